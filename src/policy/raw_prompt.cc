#include "policy/raw_prompt.h"

#include <algorithm>

#include "base/error.h"
#include "text/utf8.h"

namespace gatehouse {
namespace {

constexpr std::string_view kBlockBegin = "<BEGIN UNSAFE CONTENT CATEGORIES>",
                           kBlockEnd = "<END UNSAFE CONTENT CATEGORIES>", kWhite = " \t\r\n";

bool IsAsciiLetter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool IsDigit(char c) { return c >= '0' && c <= '9'; }
char Small(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

std::string_view WithoutLeadingWhite(std::string_view text) {
  return text.substr(std::min(text.find_first_not_of(kWhite), text.size()));
}

// Whether an item depends on what is asked.
bool IsQuestion(const FormatItem& item) {
  return item.kind == FormatItem::Kind::kMessages ||
         (item.kind == FormatItem::Kind::kText && (item.value.find("{ROLE}") != std::string::npos ||
                                                   item.value.find("{CATEGORIES}") != std::string::npos));
}

class RawWriter {
 public:
  explicit RawWriter(Prompt* prompt) : prompt_(*prompt) {}
  void Text(std::string_view text) {
    if (text.empty()) return;
    if (prompt_.items.empty() || prompt_.items.back().kind != PromptItem::Kind::kText)
      prompt_.items.push_back({PromptItem::Kind::kText, {}, false});
    prompt_.items.back().value += text;
  }
  void Control(const std::string& control) {
    prompt_.items.push_back({PromptItem::Kind::kControl, control, false});
  }
  void Add(const FormatItem& item) {
    if (item.kind == FormatItem::Kind::kControl) Control(item.value);
    if (item.kind == FormatItem::Kind::kText) Text(item.value);
  }

 private:
  Prompt& prompt_;
};

// Longest first: one may begin like another.
std::vector<std::string> ControlsOf(const Policy& policy) {
  std::vector<std::string> out = policy.stop;
  for (const std::vector<FormatItem>* format : {&policy.prompt, &policy.message}) {
    for (const FormatItem& item : *format) {
      if (item.kind == FormatItem::Kind::kControl) out.push_back(item.value);
    }
  }
  std::sort(out.begin(), out.end(), [](const std::string& a, const std::string& b) {
    return a.size() != b.size() ? a.size() > b.size() : a < b;
  });
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

void WriteWithControls(const Policy& policy, std::string_view text, RawWriter* writer) {
  const std::vector<std::string> controls = ControlsOf(policy);
  size_t begin = 0;  // of text that is not written yet
  for (size_t at = 0; at < text.size();) {
    const auto control = std::find_if(controls.begin(), controls.end(), [&](const std::string& one) {
      return !one.empty() && text.substr(at).starts_with(one);
    });
    if (control == controls.end()) {
      ++at;
      continue;
    }
    writer->Text(text.substr(begin, at - begin));
    writer->Control(*control);
    at += control->size();
    begin = at;
  }
  writer->Text(text.substr(begin));
}

// In place of all that the policy asks, from its first word on.
void WriteBetweenControls(const Policy& policy, std::string_view text, RawWriter* writer) {
  const std::vector<FormatItem>& format = policy.prompt;
  const auto first = std::find_if(format.begin(), format.end(), IsQuestion);
  const auto last = std::find_if(format.rbegin(), format.rend(), IsQuestion).base();
  for (auto item = format.begin(); item != first; ++item) writer->Add(*item);
  // White space before the first word belongs to the format: clients strip what they send.
  if (first != format.end() && first->kind == FormatItem::Kind::kText) {
    const std::string_view words = first->value;
    writer->Text(words.substr(0, words.size() - WithoutLeadingWhite(words).size()));
  }
  writer->Text(WithoutLeadingWhite(text));
  for (auto item = last; item != format.end(); ++item) writer->Add(*item);
}

// The last of the two that is named: what is judged may name them as well, but stands before that.
Role JudgedRole(const Policy& policy, std::string_view text) {
  std::string small(text);
  std::transform(small.begin(), small.end(), small.begin(), Small);
  const auto place = [&](const std::string& name) {
    std::string words = "last " + name + " message";
    std::transform(words.begin(), words.end(), words.begin(), Small);
    const size_t at = small.rfind(words);
    return at == std::string::npos ? 0 : at + 1;
  };
  return place(policy.role_assistant) > place(policy.role_user) ? Role::kAssistant : Role::kUser;
}

// Of a line that begins with letters, digits and a colon: up to the colon; else empty.
std::string_view KeyOf(std::string_view line) {
  size_t end = 0;
  while (end < line.size() && IsAsciiLetter(line[end])) ++end;
  const size_t letters = end;
  while (end < line.size() && IsDigit(line[end])) ++end;
  const bool is_key = letters > 0 && end > letters && end < line.size() && line[end] == ':';
  return is_key ? line.substr(0, end) : std::string_view();
}

}  // namespace

Result<Prompt> RenderRawPrompt(const Policy& policy, const RawPrompt& raw, const CategoryChoice& choice) {
  std::string storage;
  const std::string_view text = RepairUtf8(raw.text, &storage);
  Prompt prompt;
  GATEHOUSE_ASSIGN(prompt.categories, ChooseCategories(policy, choice, false));
  prompt.judged = JudgedRole(policy, text);
  RawWriter writer(&prompt);
  if (raw.has_controls) {
    WriteWithControls(policy, text, &writer);
  } else {
    WriteBetweenControls(policy, text, &writer);
  }
  if (prompt.items.empty()) return BadInput("empty prompt", "prompt", "text", "nothing");
  return prompt;
}

bool HasCategoryBlock(std::string_view text) {
  const size_t begin = text.find(kBlockBegin);
  return begin != std::string_view::npos && text.find(kBlockEnd, begin) != std::string_view::npos;
}
bool BeginsCategoryBlock(std::string_view text) { return text.find(kBlockBegin) != std::string_view::npos; }
bool HasCategoryBlock(const Policy& policy) {
  return std::any_of(policy.prompt.begin(), policy.prompt.end(), [](const FormatItem& item) {
    return item.kind == FormatItem::Kind::kText && HasCategoryBlock(item.value);
  });
}

Result<std::vector<std::pair<std::string, std::string>>> CategoriesOfBlock(std::string_view text,
                                                                           const std::string& where) {
  std::vector<std::pair<std::string, std::string>> out;
  if (HasCategoryBlock(text)) {
    text.remove_prefix(text.find(kBlockBegin) + kBlockBegin.size());
    text = text.substr(0, text.find(kBlockEnd));
  } else {
    text = {};
  }
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const std::string_view key = KeyOf(line);
    if (!key.empty()) {
      out.emplace_back(key, WithoutLeadingWhite(line.substr(key.size() + 1)));
    } else if (!out.empty() && line.find_first_not_of(kWhite) != std::string_view::npos) {
      out.back().second += "\n" + std::string(line);
    }
  }
  if (out.empty()) {
    return BadInput("no categories", where,
                    "lines as \"S1: ...\" between " + std::string(kBlockBegin) + " and its end", "none");
  }
  return out;
}

bool BeginsWithControl(const Policy& policy, std::string_view text) {
  const auto first = std::find_if(policy.prompt.begin(), policy.prompt.end(), [](const FormatItem& item) {
    return item.kind == FormatItem::Kind::kControl;
  });
  return first != policy.prompt.end() && WithoutLeadingWhite(text).starts_with(first->value);
}

}  // namespace gatehouse

#include "policy/template_words.h"

#include <algorithm>
#include <set>

namespace gatehouse {
namespace {

constexpr char kCut = '\n';

// Names that template programs use, and marks between what they put in.
constexpr std::string_view kCodeWords[] = {"user", "assistant", "system",  "role", "content",  "text",
                                           "type", "image",     "equalto", ":",    "<|image|>"};

// Of the control token "<|name|>" at the beginning; 0: there is none.
size_t ControlLength(std::string_view text) {
  constexpr size_t kLongest = 80;
  const size_t end = text.substr(0, kLongest).find("|>", 2);
  const bool whole =
      end != std::string_view::npos && text.substr(0, end).find_first_of(" \n") == std::string_view::npos;
  return whole ? end + 2 : 0;
}

// Cuts at line ends and control tokens, trims, and leaves out what is empty.
std::vector<std::string> Lines(std::string_view text) {
  std::vector<std::string> out;
  const auto add = [&](std::string_view line) {
    const size_t first = line.find_first_not_of(" \t\r");
    if (first == std::string_view::npos) return;
    out.emplace_back(line.substr(first, line.find_last_not_of(" \t\r") - first + 1));
  };
  size_t begin = 0;
  for (size_t at = 0; at < text.size();) {
    if (text[at] == kCut) {
      add(text.substr(begin, at - begin));
      begin = ++at;
      continue;
    }
    const size_t length = text.compare(at, 2, "<|") == 0 ? ControlLength(text.substr(at)) : 0;
    if (length == 0) {
      ++at;
      continue;
    }
    add(text.substr(begin, at - begin));
    begin = at += length;
  }
  add(text.substr(begin));
  return out;
}

// The literals of one tag. at: behind the opening braces; returns the place behind the closing ones.
class TagReader {
 public:
  TagReader(std::string_view jinja, std::string* out) : jinja_(jinja), out_(out) {}

  size_t Read(size_t at, std::string_view closing) {
    bool in_exception = false;
    int depth = 0, exception_depth = 0;
    while (at < jinja_.size()) {
      const char c = jinja_[at];
      if (c == '\'' || c == '"') {
        at = Literal(at, !in_exception);
        continue;
      }
      if (jinja_.compare(at, closing.size(), closing) == 0) return at + closing.size();
      if (jinja_.compare(at, 16, "raise_exception(") == 0 && !in_exception) {
        in_exception = true;
        exception_depth = depth;
        at += 15;
        continue;
      }
      if (c == '(') ++depth;
      if (c == ')' && --depth <= exception_depth) in_exception = false;
      ++at;
    }
    return at;
  }

 private:
  // at: on the opening quote.
  size_t Literal(size_t at, bool keep) {
    const char quote = jinja_[at++];
    std::string text;
    for (; at < jinja_.size() && jinja_[at] != quote; ++at) {
      if (jinja_[at] != '\\' || at + 1 == jinja_.size()) {
        text += jinja_[at];
        continue;
      }
      const char escaped = jinja_[++at];
      if (escaped != 'n' && escaped != 't' && escaped != '\\' && escaped != '\'' && escaped != '"')
        text += '\\';
      text += escaped == 'n' ? '\n' : escaped == 't' ? '\t' : escaped;
    }
    if (keep) *out_ += text + kCut;
    return at + 1;
  }

  std::string_view jinja_;
  std::string* out_;
};

// A policy's text without what is put into it.
std::string Emptied(std::string text) {
  for (const char* name : {"{ROLE}", "{Role}", "{role}", "{content}", "{CATEGORIES}"}) {
    const std::string_view hole(name);
    for (size_t at = text.find(hole); at != std::string::npos; at = text.find(hole, at))
      text.replace(at, hole.size(), 1, kCut);
  }
  return text;
}

std::vector<std::string> LinesOf(const std::vector<FormatItem>& items) {
  std::string all;
  for (const FormatItem& item : items) {
    if (item.kind == FormatItem::Kind::kText) all += Emptied(item.value);
    all += kCut;
  }
  return Lines(all);
}

std::string Trimmed(const std::string& text) {
  const std::vector<std::string> lines = Lines(text);
  return lines.size() == 1 ? lines[0] : text;
}

// The index of the category that stands at lines[at], as "KEY: TEXT" or as "KEY" and then "TEXT"; -1: none.
int CategoryAt(const std::vector<std::string>& lines, size_t at, const Policy& policy, size_t* used) {
  for (size_t i = 0; i < policy.categories.size(); ++i) {
    const Category& category = policy.categories[i];
    const std::string text = Trimmed(category.text);
    *used = lines[at] == category.key + ": " + text                                       ? 1
            : lines[at] == category.key && at + 1 < lines.size() && lines[at + 1] == text ? 2
                                                                                          : 0;
    if (*used > 0) return static_cast<int>(i);
  }
  return -1;
}

std::string Quoted(const std::string& line) { return "'" + line.substr(0, 100) + "'"; }

}  // namespace

std::vector<std::string> TemplateLines(std::string_view jinja) {
  std::string text;
  TagReader tags(jinja, &text);
  for (size_t at = 0; at < jinja.size();) {
    const std::string_view two = jinja.substr(at, 2);
    if (two == "{#") {
      const size_t end = jinja.find("#}", at + 2);
      at = end == std::string_view::npos ? jinja.size() : end + 2;
    } else if (two == "{{" || two == "{%") {
      text += kCut;
      at = tags.Read(at + 2, two == "{{" ? "}}" : "%}");
      text += kCut;
    } else {
      text += jinja[at++];
    }
  }
  return Lines(text);
}

std::optional<std::string> DiffersFromPolicy(std::string_view jinja, const Policy& policy) {
  const std::vector<std::string> lines = TemplateLines(jinja), wanted = LinesOf(policy.prompt);
  std::set<std::string> known(std::begin(kCodeWords), std::end(kCodeWords));
  known.insert(wanted.begin(), wanted.end());
  for (const std::string& line : LinesOf(policy.message)) known.insert(line);
  known.insert({policy.role_user, policy.role_assistant});

  // A list runs over all categories in order, or over all that may be asked beside images.
  std::vector<std::vector<int>> lists;
  for (size_t at = 0, used = 1; at < lines.size(); at += used) {
    const int category = CategoryAt(lines, at, policy, &used);
    if (category >= 0) {
      if (lists.empty() || category <= lists.back().back()) lists.emplace_back();
      lists.back().push_back(category);
      continue;
    }
    used = 1;
    if (known.count(lines[at]) == 0) return "it says " + Quoted(lines[at]);
  }
  std::vector<int> all, beside_images;
  for (size_t i = 0; i < policy.categories.size(); ++i) {
    all.push_back(static_cast<int>(i));
    if (!policy.categories[i].text_only) beside_images.push_back(static_cast<int>(i));
  }
  if (std::find(lists.begin(), lists.end(), all) == lists.end())
    return "it does not list the categories of " + policy.name;
  for (const std::vector<int>& list : lists) {
    if (list != all && list != beside_images)
      return "it has another list of categories beside that of " + policy.name;
  }

  for (const std::string& name : {policy.role_user, policy.role_assistant}) {
    if (std::find(lines.begin(), lines.end(), name) == lines.end()) return "it has no role " + Quoted(name);
  }
  auto from = lines.begin();
  for (const std::string& line : wanted) {
    if (std::find(std::begin(kCodeWords), std::end(kCodeWords), line) != std::end(kCodeWords)) continue;
    const auto found = std::find(from, lines.end(), line);
    if (found == lines.end()) return "it lacks " + Quoted(line) + " at its place";
    from = found + 1;
  }
  return std::nullopt;
}

}  // namespace gatehouse

#include <algorithm>

#include "base/error.h"
#include "base/input_file.h"
#include "cli/command.h"
#include "cli/json_text.h"
#include "policy/thresholds.h"

namespace gatehouse::cli {
namespace {

constexpr size_t kMaxBytes = 16u << 20;

Result<void> ReadCategories(const std::string& value, ClassifyOptions* out) {
  std::string text = value, name = "--categories";
  if (value.front() == '@') {
    name = value.substr(1);
    GATEHOUSE_ASSIGN(text, ReadFile(name, kMaxBytes));
  }
  if (value.front() == '@' || value.front() == '{') {
    GATEHOUSE_ASSIGN(out->categories, ParseCategoriesJson(text, name));
    return {};
  }
  for (size_t begin = 0; begin <= value.size();) {
    const size_t end = std::min(value.find(',', begin), value.size());
    out->keys.push_back(value.substr(begin, end - begin));
    begin = end + 1;
  }
  return {};
}

}  // namespace

void LongFlags::AddTo(Command& command) {
  command
      .Value("--long", &mode,
             "what is longer than a prompt may be: windows (judged in overlapping parts) or error")
      .OneOf({"windows", "error"});
  command.Value("--max-prompt-tokens", &max_prompt_tokens, "of a prompt or window; 0: as the policy says")
      .Between(0, 1 << 24);
  command.Value("--max-windows", &max_windows, "more are an error").Between(1, 4096);
  command.Flag("--normalize", &normalise,
               "judge twice where undoing tricks of spelling changes the text; the higher score decides");
}

void LongFlags::ApplyTo(ClassifyOptions* out) const {
  out->refuse_long = mode == "error";
  out->max_prompt_tokens = max_prompt_tokens;
  out->max_windows = max_windows;
  out->normalise = normalise;
}

void RequestFlags::AddTo(Command& command) {
  command
      .Value("--categories", &categories,
             "KEY,KEY (a choice of the policy's), @FILE or inline JSON {\"KEY\":\"text\"}")
      .OrFile();
  command.Value("--exclude", &exclude, "category key to leave out; may be given more than once")
      .SplitAtCommas();
  command.Value("--threshold", &threshold, "0.4,S4=0.1 (unsafe score, then categories' own), or @FILE")
      .OrFile();
  command.Value("--system", &system, "system and developer messages: refuse, drop, or as-user")
      .OneOf({"refuse", "drop", "as-user"});
  command.Value("--tools", &tools, "calls of tools and their results: judge (as text) or refuse")
      .OneOf({"judge", "refuse"});
  command.Value("--merge", &merge, "neighbouring messages of one role: on makes one of them, off is an error")
      .OneOf({"on", "off"});
  command.Path("--image-root", &image_root, "directory that relative image paths start from");
  command.Flag("--raw-output", &raw_output, "also print what the model says unconstrained");
  long_input.AddTo(command);
  command.Value("--decision", &decision, "score, or greedy: decide by the unconstrained answer")
      .OneOf({"score", "greedy"});
}

Result<ClassifyOptions> RequestFlags::Resolve() const {
  ClassifyOptions out;
  if (!categories.empty()) GATEHOUSE_TRY(ReadCategories(categories, &out));
  out.exclude = exclude;
  out.raw_output = raw_output;
  out.greedy_decision = decision == "greedy";
  long_input.ApplyTo(&out);
  if (threshold.empty()) return out;
  if (threshold.front() == '@') {
    GATEHOUSE_ASSIGN(const std::string text, ReadFile(threshold.substr(1), kMaxBytes));
    GATEHOUSE_ASSIGN(out.thresholds, ParseThresholdsJson(text, threshold.substr(1)));
  } else {
    GATEHOUSE_ASSIGN(out.thresholds, ParseThresholds(threshold));
  }
  return out;
}

}  // namespace gatehouse::cli

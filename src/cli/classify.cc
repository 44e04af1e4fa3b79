#include <unistd.h>

#include "base/error.h"
#include "cli/classify_flags.h"
#include "cli/input.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "cli/report.h"
#include "guard/in_order.h"
#include "guard/loaded_policy.h"
#include "policy/raw_member.h"
#include "policy/verdict_json.h"

namespace gatehouse::cli {
namespace {

// A line longer than this is an error of its own: memory stays bounded whatever comes in.
constexpr size_t kMaxLine = 512u << 20;

// Lines on their way at once: enough to fill passes, few enough that a pipe gets its answers soon.
constexpr int kLinesAtOnce = 16;

bool IsBlank(const std::string& line) { return line.find_first_not_of(" \t\r") == std::string::npos; }

Result<int> ClassifyLines(const ClassifyFlags& flags, const Guard& guard, const ClassifyOptions& options) {
  GATEHOUSE_ASSIGN(LineReader lines, LineReader::Open(flags.jsonl, kMaxLine));
  const std::string name = InputName(flags.jsonl);
  const std::string base = ImageBase(flags.jsonl, flags.request);
  Progress progress("classify");
  bool any_error = false, any_unsafe = false;
  InOrder in_order(guard, kLinesAtOnce);
  LineReader::Line line;
  for (int64_t number = 0;; ++number) {
    // Whoever writes a line and reads its answer before the next gets it.
    if (lines.WouldWait()) GATEHOUSE_TRY(in_order.Flush());
    const Result<bool> more = lines.Next(&line);
    if (!more.ok()) {
      GATEHOUSE_TRY(in_order.Flush());
      return more.error();
    }
    if (!*more) break;
    // Its line ends are two bytes: cut at one, every second line would be broken.
    if (number == 0 && (line.text.starts_with("\xFF\xFE") || line.text.starts_with("\xFE\xFF")))
      return BadInput("lines in UTF-16", name, "UTF-8 (iconv -f UTF-16 -t UTF-8 makes it)",
                      "the mark of UTF-16");
    if (IsBlank(line.text)) continue;
    const std::string where = name + " line " + std::to_string(number + 1);
    std::string id = std::to_string(number);  // of a line that says none, or is no JSON
    const auto deliver = [&, number](const std::string& of) {
      return [&, number, of](const Result<Verdict>& answer) -> Result<void> {
        any_unsafe = any_unsafe || (answer.ok() && answer->unsafe);
        any_error = any_error || !answer.ok();
        progress.Update(number + 1, 0);
        return answer.ok() ? Print("{}\n", VerdictToJson(*answer, of, options.raw_output))
                           : Print("{}\n", ErrorToJson(answer.error().Message(), of));
      };
    };
    if (line.cut) {
      GATEHOUSE_TRY(in_order.Put(
          BadInput("line too long", where, "at most " + std::to_string(kMaxLine) + " bytes", "more"),
          deliver(id)));
      continue;
    }
    Result<ConversationInput> input =
        ReadConversationText(line.text, where, base, flags.request, flags.model.guard.max_image_bytes);
    // What cannot be judged is answered by its id, too.
    const std::string own = input.ok() ? input->id : RawId(line.text);
    if (!own.empty()) id = own;
    if (!input.ok()) {
      GATEHOUSE_TRY(in_order.Put(input.error(), deliver(id)));
      continue;
    }
    GATEHOUSE_TRY(in_order.Put(input->conversation, MergeChoice(options, *input), deliver(id)));
  }
  GATEHOUSE_TRY(in_order.Flush());
  if (any_error) return static_cast<int>(ErrorCode::kBadInput);
  return flags.exit_verdict && any_unsafe ? kExitUnsafe : 0;
}

Result<int> Classify(const ClassifyFlags& flags) {
  GATEHOUSE_ASSIGN(const ClassifyOptions options, flags.request.Resolve());
  // Input errors that need no model come first.
  GATEHOUSE_ASSIGN(const ConversationInput input, flags.Conversation());
  GATEHOUSE_ASSIGN(const GuardOptions guard_options, flags.model.Resolve());
  GATEHOUSE_ASSIGN(const Guard guard, Guard::Load(guard_options));
  if (!flags.jsonl.empty()) return ClassifyLines(flags, guard, options);

  GATEHOUSE_ASSIGN(const Verdict verdict, guard.Classify(input.conversation, MergeChoice(options, input)));
  if (flags.json) {
    GATEHOUSE_TRY(Print("{}\n", VerdictToJson(verdict, input.id, options.raw_output)));
  } else {
    GATEHOUSE_TRY(PrintText(VerdictReport(verdict, guard.policy()->policy, ::isatty(STDOUT_FILENO) == 1)));
  }
  return flags.exit_verdict && verdict.unsafe ? kExitUnsafe : 0;
}

}  // namespace

void AddClassify(Command& gatehouse) {
  Command& command = gatehouse.Add("classify", "Judge the last message of a conversation");
  command.Footer(
      "Examples:\n"
      "  gatehouse classify --user \"how do I pick a lock?\"\n"
      "  gatehouse classify --user \"hi\" --assistant \"hello!\" --json\n"
      "  gatehouse classify --model llama-guard-4 --image cat.jpg --user \"what is this?\"\n"
      "  gatehouse classify --conversation chat.json --threshold 0.4,S4=0.1\n"
      "  gatehouse classify --jsonl conversations.jsonl > verdicts.jsonl");
  auto flags = std::make_shared<ClassifyFlags>();
  flags->AddTo(command);
  command.Does([=] { return Classify(*flags); });
}

}  // namespace gatehouse::cli

#include <unistd.h>

#include "base/error.h"
#include "cli/command.h"
#include "cli/conversation_input.h"
#include "cli/input.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "cli/report.h"
#include "guard/guard_impl.h"
#include "policy/raw_member.h"
#include "policy/verdict_json.h"

namespace gatehouse::cli {
namespace {

// A line longer than this is an error of its own: memory stays bounded whatever comes in.
constexpr size_t kMaxLine = 512u << 20;

struct ClassifyFlags {
  ModelFlags model;
  RequestFlags request;
  std::vector<std::string> user, assistant, images;
  std::string conversation, jsonl;
  bool json = false;
  bool exit_verdict = false;
};

bool IsBlank(const std::string& line) { return line.find_first_not_of(" \t\r") == std::string::npos; }

Result<int> ClassifyLines(const ClassifyFlags& flags, const Guard& guard, const ClassifyOptions& options) {
  GATEHOUSE_ASSIGN(LineReader lines, LineReader::Open(flags.jsonl, kMaxLine));
  const std::string name = InputName(flags.jsonl);
  const std::string base = ImageBase(flags.jsonl, flags.request);
  Progress progress("classify");
  bool any_error = false, any_unsafe = false;
  LineReader::Line line;
  for (int64_t number = 0;; ++number) {
    GATEHOUSE_ASSIGN(const bool more, lines.Next(&line));
    if (!more) break;
    if (IsBlank(line.text)) continue;
    const std::string where = name + " line " + std::to_string(number + 1);
    std::string id = std::to_string(number);  // of a line that says none, or is no JSON
    const auto answer = [&]() -> Result<Verdict> {
      if (line.cut)
        return BadInput("line too long", where, "at most " + std::to_string(kMaxLine) + " bytes", "more");
      const Result<ConversationInput> input =
          ReadConversationText(line.text, where, base, flags.request, flags.model.guard.max_image_bytes);
      // What cannot be judged is answered by its id, too.
      const std::string own = input.ok() ? input->id : RawId(line.text);
      if (!own.empty()) id = own;
      if (!input.ok()) return input.error();
      return guard.Classify(input->conversation, MergeChoice(options, *input));
    }();
    if (answer.ok()) {
      any_unsafe = any_unsafe || answer->unsafe;
      GATEHOUSE_TRY(Print("{}\n", VerdictToJson(*answer, id, options.raw_output)));
    } else {
      any_error = true;
      GATEHOUSE_TRY(Print("{}\n", ErrorToJson(answer.error().Message(), id)));
    }
    progress.Update(number + 1, 0);
  }
  if (any_error) return static_cast<int>(ErrorCode::kBadInput);
  return flags.exit_verdict && any_unsafe ? kExitUnsafe : 0;
}

Result<int> Classify(const ClassifyFlags& flags) {
  GATEHOUSE_ASSIGN(const ClassifyOptions options, flags.request.Resolve());
  const bool by_flags = !flags.user.empty() || !flags.assistant.empty() || !flags.images.empty();
  if (by_flags + !flags.conversation.empty() + !flags.jsonl.empty() > 1) {
    return UsageError("several inputs", "classify",
                      "one of --user/--assistant/--image, --conversation and --jsonl", "more than one");
  }
  // Input errors that need no model come first.
  ConversationInput input;
  if (by_flags) {
    GATEHOUSE_ASSIGN(input.conversation, ConversationFromFlags(flags.user, flags.assistant, flags.images,
                                                               flags.model.guard.max_image_bytes));
  } else if (flags.jsonl.empty()) {
    const std::string from = flags.conversation.empty() ? "-" : flags.conversation;
    GATEHOUSE_ASSIGN(input, ReadConversationFile(from, flags.request, flags.model.guard.max_image_bytes));
  }
  GATEHOUSE_ASSIGN(const GuardOptions guard_options, flags.model.Resolve());
  GATEHOUSE_ASSIGN(const Guard guard, Guard::Load(guard_options));
  if (!flags.jsonl.empty()) return ClassifyLines(flags, guard, options);

  GATEHOUSE_ASSIGN(const Verdict verdict, guard.Classify(input.conversation, MergeChoice(options, input)));
  if (flags.json) {
    GATEHOUSE_TRY(Print("{}\n", VerdictToJson(verdict, input.id, options.raw_output)));
  } else {
    GATEHOUSE_TRY(PrintText(VerdictReport(verdict, guard.impl().policy, ::isatty(STDOUT_FILENO) == 1)));
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
  flags->model.AddTo(command);
  flags->request.AddTo(command);
  command.Text("--user", &flags->user, "a user message; may be given more than once");
  command.Text("--assistant", &flags->assistant, "an assistant message behind it");
  command.Path("--image", &flags->images, "image of the last user message; may be given more than once")
      .TakesMany();
  command.Path("--conversation", &flags->conversation,
               "file with a conversation (- for standard input, the default)");
  command.Path("--jsonl", &flags->jsonl, "file with a conversation a line (- for standard input)");
  command.Flag("--json", &flags->json, "one JSON object in place of the report");
  command.Flag("--exit-verdict", &flags->exit_verdict, "exit with 10 if unsafe");
  command.Does([=] { return Classify(*flags); });
}

}  // namespace gatehouse::cli

#include "cli/classify_flags.h"

#include "base/error.h"

namespace gatehouse::cli {

void ClassifyFlags::AddTo(Command& command) {
  model.AddTo(command);
  request.AddTo(command);
  command.Text("--user", &user, "a user message; may be given more than once");
  command.Text("--assistant", &assistant, "an assistant message behind it");
  command.Path("--image", &images, "image of the last user message; may be given more than once").TakesMany();
  command.Path("--conversation", &conversation,
               "file with a conversation (- for standard input, the default)");
  command.Path("--jsonl", &jsonl, "file with a conversation a line (- for standard input)");
  command.Flag("--json", &json, "one JSON object in place of the report");
  command.Flag("--exit-verdict", &exit_verdict, "exit with 10 if unsafe");
}

Result<ConversationInput> ClassifyFlags::Conversation() const {
  const bool by_flags = !user.empty() || !assistant.empty() || !images.empty();
  if (by_flags + !conversation.empty() + !jsonl.empty() > 1) {
    return UsageError("several inputs", "classify",
                      "one of --user/--assistant/--image, --conversation and --jsonl", "more than one");
  }
  ConversationInput out;
  if (by_flags) {
    GATEHOUSE_ASSIGN(out.conversation,
                     ConversationFromFlags(user, assistant, images, model.guard.max_image_bytes));
  } else if (jsonl.empty()) {
    return ReadConversationFile(conversation.empty() ? "-" : conversation, request,
                                model.guard.max_image_bytes);
  }
  return out;
}

}  // namespace gatehouse::cli

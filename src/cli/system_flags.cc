#include "cli/system_flags.h"

#include "base/error.h"

namespace gatehouse::cli {

void SystemFlags::AddTo(Command& command) {
  command.Flag(
      "--system-level", &asked,
      "rows are prompts with answers: what users meet with a filter before, behind and around the model");
  command.Value("--refused-field", &refused_field,
                "field that says whether the answer refuses (default: refused; rows without it: by phrases)");
  command.Value(
      "--prompt-label-field", &prompt_field,
      "field that says whether the prompt is harmful (default: prompt_label; rows without it: by rows that "
      "are that prompt alone)");
  command.Path("--judge", &judge,
               "another guard model, whose verdicts label the answers in place of the data");
  command.Value("--generate", &generate,
                "ask the model at this address for the answers: http://127.0.0.1:8000/v1");
  command.Value("--generate-model", &model, "its name there (default: none is sent)");
  command.Value("--generate-api-key", &api_key, "key that is shown to it");
  command.Value("--generate-max-tokens", &max_tokens, "longest answer (default: 512)").Between(1, 1 << 20);
  command.Value("--generate-timeout", &timeout, "seconds until an answer is there (default: 600)")
      .Between(0.1, 86400);
}

Result<void> SystemFlags::Check() const {
  if (!asked && (!judge.empty() || !generate.empty()))
    return UsageError("nothing to do with it", judge.empty() ? "--generate" : "--judge",
                      "--system-level beside it", "none");
  if (generate.empty() && (!model.empty() || !api_key.empty()))
    return UsageError("nobody to ask", model.empty() ? "--generate-api-key" : "--generate-model",
                      "--generate ADDRESS beside it", "none");
  for (const char c : api_key)
    if (c <= ' ' || c >= 0x7f)
      return UsageError("malformed key", "--generate-api-key", "visible ASCII", "another text");
  return {};
}

}  // namespace gatehouse::cli

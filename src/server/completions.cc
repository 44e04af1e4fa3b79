#include "server/completions.h"

#include <utility>

#include "base/error.h"
#include "formats/json.h"
#include "guard/loaded_policy.h"
#include "server/completion.h"
#include "server/guard_member.h"
#include "server/prerendered.h"
#include "server/sse.h"

namespace gatehouse::server {
namespace {

constexpr int64_t kMostLogprobs = 20;

// How many of the likeliest words are asked for; both are always told.
Result<bool> ReadLogprobs(const Json& root) {
  const auto found = root.find("logprobs");
  if (found == root.end() || found->is_null()) return false;
  if (!found->is_number_integer() || *found < 0 || *found > kMostLogprobs)
    return BadInput("malformed request", "logprobs", "a whole number, at most 20", ShortJson(*found));
  return true;
}

Result<std::vector<std::string>> ReadPrompts(const Json& root) {
  const auto found = root.find("prompt");
  if (found != root.end() && found->is_string()) return std::vector{found->get<std::string>()};
  const char* const expected = "a string or a list of strings";
  if (found == root.end() || !found->is_array() || found->empty())
    return BadInput("nothing to judge", "prompt", expected,
                    found == root.end() ? "nothing" : ShortJson(*found));
  if (found->size() > kMaxInputs)
    return BadInput("too many prompts", "prompt", "at most " + std::to_string(kMaxInputs),
                    std::to_string(found->size()));
  std::vector<std::string> out;
  for (const Json& prompt : *found) {
    if (!prompt.is_string()) return BadInput("malformed prompt", "prompt", expected, ShortJson(prompt));
    out.push_back(prompt.get<std::string>());
  }
  return out;
}

Json LegacyLogprobs(const Verdict& verdict, const Policy& policy) {
  const VerdictLogs logs = LogsOf(verdict, policy);
  Json top = Json::object();
  top[logs.said.text] = logs.said.log;
  top[logs.other.text] = logs.other.log;
  return {{"text_offset", Json::array({0})},
          {"token_logprobs", Json::array({logs.said.log})},
          {"tokens", Json::array({logs.said.text})},
          {"top_logprobs", Json::array({std::move(top)})}};
}

Json ChoiceOf(size_t index, const Verdict& verdict, bool logprobs, const Surroundings& around) {
  return {{"index", index},
          {"text", verdict.output},
          {"logprobs", logprobs ? LegacyLogprobs(verdict, around.policy->policy) : Json()},
          {"finish_reason", "stop"}};
}

Response AnswerOf(const std::vector<Verdict>& verdicts, const CompletionShape& shape, bool logprobs,
                  const Surroundings& around) {
  Json body = CompletionEnvelope("cmpl-", "text_completion", shape.model);
  Json choices = Json::array();
  for (size_t i = 0; i < verdicts.size(); ++i) choices.push_back(ChoiceOf(i, verdicts[i], logprobs, around));
  const Json usage = CompletionUsage(verdicts, around.with_costs);
  if (!shape.stream) {
    body["choices"] = std::move(choices);
    body["usage"] = usage;
    return JsonResponse(200, JsonLine(body));
  }
  std::string events;
  for (Json& choice : choices) {
    body["choices"] = Json::array({std::move(choice)});
    events += EventOf(JsonLine(body));
  }
  if (shape.with_usage) {
    body["choices"] = Json::array();
    body["usage"] = usage;
    events += EventOf(JsonLine(body));
  }
  return EventsResponse(std::move(events));
}

}  // namespace

Result<Asked> ReadCompletion(const Request& request, const Surroundings& around) {
  GATEHOUSE_ASSIGN(const Json root, ParseJson(request.body, "body", ErrorCode::kBadInput));
  if (!root.is_object()) return BadInput("malformed request", "body", "an object", ShortJson(root));
  GATEHOUSE_ASSIGN(const CompletionShape shape, ReadCompletionShape(root, around));
  GATEHOUSE_ASSIGN(const bool logprobs, ReadLogprobs(root));
  GATEHOUSE_ASSIGN(const bool echo, Truth(root, "echo"));
  if (echo) return BadInput("an echo", "echo", "false: only the verdict is answered", "true");
  GATEHOUSE_ASSIGN(const GuardMember member, ReadGuardMember(root, around.defaults));
  if (member.has_role)
    return BadInput("role of a prompt", "guard.role", "nothing: the prompt says it itself", "a role");
  GATEHOUSE_ASSIGN(std::vector<std::string> prompts, ReadPrompts(root));
  Asked out;
  for (size_t i = 0; i < prompts.size(); ++i) {
    const std::string where = prompts.size() == 1 ? "prompt" : "prompt[" + std::to_string(i) + "]";
    ClassifyOptions options = member.options;
    GATEHOUSE_ASSIGN(Conversation conversation,
                     ReadRawPrompt({std::move(prompts[i]), true}, where, around, &options));
    if (i > 0 && options.categories != out.options.categories)
      return BadInput("prompts of several kinds", where, "the same categories in all of them", "others");
    out.options = std::move(options);
    out.conversations.push_back(std::move(conversation));
    out.names.push_back(where);
  }
  out.answer = [around, shape, logprobs](const std::vector<Verdict>& verdicts) {
    return AnswerOf(verdicts, shape, logprobs, around);
  };
  return out;
}

}  // namespace gatehouse::server

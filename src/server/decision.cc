#include "server/decision.h"

#include <algorithm>

#include "policy/verdict_json.h"
#include "server/completion.h"
#include "server/sse.h"

namespace gatehouse::server {
namespace {

Json ModerationResult(const Verdict& verdict) {
  Json flags = Json::object(), scores = Json::object(), types = Json::object();
  for (const auto& [key, score] : verdict.category_scores) {
    const auto& listed = verdict.categories;
    flags[key] = std::find(listed.begin(), listed.end(), key) != listed.end();
    scores[key] = ScoreJson(score);
    types[key] = Json::array({"text"});
    if (verdict.usage.images > 0) types[key].push_back("image");
  }
  return {{"type", "moderation_result"},
          {"model", verdict.model},
          {"flagged", verdict.unsafe},
          {"categories", std::move(flags)},
          {"category_scores", std::move(scores)},
          {"category_applied_input_types", std::move(types)},
          {"guard", VerdictMembers(verdict)}};
}

}  // namespace

Action ActionOf(const Verdict& verdict, const Actions& actions) {
  if (!verdict.unsafe) return Action::kIgnore;
  const auto listed = actions.find("default");
  const Action usual = listed == actions.end() ? Action::kBlock : listed->second;
  if (verdict.categories.empty()) return usual;
  Action out = Action::kIgnore;
  for (const std::string& key : verdict.categories) {
    const auto own = actions.find(key);
    out = std::max(out, own == actions.end() || key == "unknown" ? usual : own->second);
  }
  return out;
}

Action ActionOf(const Verdict& verdict, const Actions& actions, bool filtered, Asks asks) {
  if (!verdict.unsafe) return Action::kIgnore;
  if (asks == Asks::kBlock) return Action::kBlock;
  return filtered ? ActionOf(verdict, actions) : Action::kFlag;
}

const char* NameOf(Action action) {
  return action == Action::kBlock ? "block" : action == Action::kFlag ? "flag" : "pass";
}

Json ModerationResults(const std::vector<Verdict>& verdicts) {
  if (verdicts.empty()) return nullptr;
  Json results = Json::array();
  for (const Verdict& verdict : verdicts) results.push_back(ModerationResult(verdict));
  return {{"type", "moderation_results"}, {"model", verdicts.front().model}, {"results", std::move(results)}};
}

Json ModerationError(const Error& error) {
  const char* code = error.code == ErrorCode::kLate   ? "deadline"
                     : error.code == ErrorCode::kBusy ? "queue_full"
                                                      : "internal_error";
  return {{"type", "error"}, {"code", code}, {"message", "not judged"}};
}

bool IsGuardFailure(const Error& error) {
  return error.code == ErrorCode::kLate || error.code == ErrorCode::kBusy ||
         error.code == ErrorCode::kInternal || error.code == ErrorCode::kModel;
}

std::optional<Response> BlockedError(const ProxySettings& settings) {
  if (settings.on_block == OnBlock::kError || settings.on_block == OnBlock::kForbid)
    return ErrorResponse(settings.on_block == OnBlock::kError ? 400 : 403, "blocked by the content filter",
                         "content_filter");
  return std::nullopt;
}

Response BlockedResponse(const ProxySettings& settings, const std::string& model, bool stream,
                         const Json& moderation) {
  if (auto error = BlockedError(settings)) return *error;
  const std::string text = settings.on_block == OnBlock::kRefusal ? settings.refusal : std::string();
  Json body = CompletionEnvelope("chatcmpl-", stream ? "chat.completion.chunk" : "chat.completion", model);
  const Json message = {{"role", "assistant"}, {"content", text}, {"refusal", nullptr}};
  Json choice = {{"index", 0}};
  choice[stream ? "delta" : "message"] = message;
  choice["logprobs"] = nullptr;
  choice["finish_reason"] = "content_filter";
  body["choices"] = Json::array({std::move(choice)});
  if (!stream) {
    body["usage"] = {{"prompt_tokens", 0}, {"completion_tokens", 0}, {"total_tokens", 0}};
    body["moderation"] = moderation;
    return JsonResponse(200, ShortFigures(JsonLine(body)));
  }
  Json last = body;
  last["choices"] = Json::array();
  last["moderation"] = moderation;
  return EventsResponse(EventOf(JsonLine(body)) + EventOf(ShortFigures(JsonLine(last))));
}

}  // namespace gatehouse::server

#include "server/proxy_request.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/error.h"
#include "formats/json.h"
#include "policy/raw_member.h"
#include "policy/thresholds.h"
#include "server/messages.h"
#include "server/request_members.h"

namespace gatehouse::server {
namespace {

// Bytes of all conversations to judge together, each with all that stands before its turn.
constexpr size_t kMostHistory = 256u << 20;

// What clients say of themselves and of the trace that a request belongs to. Nothing that opens a door, and
// nothing that speaks of the connection.
constexpr std::array<std::string_view, 9> kHeadersForUpstream = {
    "openai-organization", "openai-project", "openai-beta", "http-referer", "x-title",
    "traceparent",         "tracestate",     "baggage",     "user-agent"};

Result<Asks> ReadAsks(const Json& policy, const char* side) {
  const auto found = policy.find(side);
  if (found == policy.end() || found->is_null()) return Asks::kNothing;
  const std::string where = std::string("moderation.policy.") + side;
  const auto mode = found->is_object() ? found->find("mode") : found->end();
  if (!found->is_object() || mode == found->end() || (*mode != "score" && *mode != "block"))
    return BadInput("malformed request", where, "an object with mode score or block", ShortJson(*found));
  return *mode == "block" ? Asks::kBlock : Asks::kScore;
}

Result<void> ReadModerationMember(const Json& root, ProxyRequest* out) {
  const auto found = root.find("moderation");
  if (found == root.end() || found->is_null()) return {};
  if (!found->is_object()) return BadInput("malformed request", "moderation", "an object", ShortJson(*found));
  out->wants_moderation = true;
  const auto policy = found->find("policy");
  if (policy == found->end() || policy->is_null()) {
    out->input = out->output = Asks::kScore;
    return {};
  }
  if (!policy->is_object())
    return BadInput("malformed request", "moderation.policy", "an object", ShortJson(*policy));
  GATEHOUSE_ASSIGN(out->input, ReadAsks(*policy, "input"));
  GATEHOUSE_ASSIGN(out->output, ReadAsks(*policy, "output"));
  return {};
}

// What a client may change of its own verdicts could also let something through here: only thresholds, of
// which the lower one counts.
Result<void> ReadGuard(const Json& root, ProxyRequest* out) {
  const auto found = root.find("guard");
  if (found == root.end() || SaysNothing(*found)) return {};
  if (!found->is_object()) return BadInput("malformed request", "guard", "an object", ShortJson(*found));
  for (const auto& [member, value] : found->items()) {
    if (SaysNothing(value)) continue;
    if (member != "thresholds")
      return BadInput("not for another model", "guard." + member.substr(0, 60),
                      "thresholds alone: the policy is the key's", ShortJson(value));
    GATEHOUSE_ASSIGN(out->thresholds, ParseThresholdsJson(JsonLine(value), "guard.thresholds"));
  }
  return {};
}

// The user's last turn, and with it (where history is judged) those before; and an answer's beginning that
// the client wrote himself.
Result<void> ChooseInputs(bool history, ProxyRequest* out) {
  const auto& messages = out->conversation.messages;
  out->prefill = messages.back().role == Role::kAssistant;
  const size_t last =
      messages.size() - (out->prefill ? 2 : 1);  // the assistant's turn stands behind a user's
  size_t before = 0, all = 0;
  for (size_t i = 0; i < messages.size(); ++i) {
    before += sizeof(Message);
    for (const Part& part : messages[i].parts) before += sizeof(Part) + part.text.size();
    const bool user = messages[i].role == Role::kUser;
    if ((!user && i + 1 < messages.size()) || (i < last && !history)) continue;
    all += before;
    if (history && all > kMostHistory)
      return BadInput("too many turns to judge", "messages", "fewer turns, or shorter ones",
                      std::to_string(messages.size()) + " turns");
    const auto end = messages.begin() + static_cast<std::ptrdiff_t>(i + 1);
    out->inputs.push_back({std::vector<Message>(messages.begin(), end)});
  }
  return {};
}

}  // namespace

std::string ModelNamedIn(const std::string& body) {
  const std::string_view raw = RawMember(body, "model");
  const Json model = raw.empty() ? Json() : Json::parse(raw, nullptr, false);
  return model.is_string() ? model.get<std::string>() : std::string();
}

Result<ProxyRequest> ReadProxyRequest(const Request& request, const ProxySettings& settings,
                                      size_t max_image_bytes) {
  GATEHOUSE_ASSIGN(const Json root, ParseJson(request.body, "body", ErrorCode::kBadInput));
  if (!root.is_object()) return BadInput("malformed request", "body", "an object", ShortJson(root));
  ProxyRequest out;
  if (const auto model = root.find("model"); model != root.end() && model->is_string()) out.model = *model;
  if (const auto stream = root.find("stream"); stream != root.end() && !stream->is_null()) {
    if (!stream->is_boolean())
      return BadInput("malformed request", "stream", "true or false", ShortJson(*stream));
    out.stream = stream->get<bool>();
  }
  if (const auto n = root.find("n"); n != root.end() && !n->is_null()) {
    if (!n->is_number_integer() || *n < 1 || *n > 128)
      return BadInput("malformed request", "n", "a number from 1 to 128", ShortJson(*n));
    out.choices = n->get<int64_t>();
  }
  GATEHOUSE_TRY(ReadModerationMember(root, &out));
  GATEHOUSE_TRY(ReadGuard(root, &out));
  out.body = WithoutMembers(request.body, {"moderation", "guard"});
  const bool judges =
      settings.input || settings.output || out.input != Asks::kNothing || out.output != Asks::kNothing;
  if (!judges) return out;
  if (!root.contains("messages"))
    return BadInput("nothing to judge", "messages", "a list of messages", "nothing");
  const bool leave_out = settings.leave_out || (settings.shadow && !out.wants_moderation);
  GATEHOUSE_ASSIGN(out.conversation, ReadChat(root.at("messages"), "messages", max_image_bytes,
                                              leave_out ? &out.left_out : nullptr));
  GATEHOUSE_ASSIGN(std::string beside, TextsBeside(root, leave_out ? &out.left_out : nullptr));
  GATEHOUSE_TRY(ChooseInputs(settings.judge_history, &out));
  if (!beside.empty()) {
    Message message;
    message.parts.push_back(Part::Text(std::move(beside)));
    out.inputs.push_back(ConversationOf(std::move(message), Role::kUser));
  }
  if (!settings.input && out.input == Asks::kNothing) out.inputs.clear();
  return out;
}

namespace {

// Whose request it is and what it belongs to.
Headers CommonHeaders(const Request& request, const ProxySettings& settings) {
  Headers out;
  for (const auto& [name, value] : request.headers) {
    const auto& listed = kHeadersForUpstream;
    const bool own_key = name == "authorization" && settings.forward_auth;
    if (own_key || std::find(listed.begin(), listed.end(), name) != listed.end())
      out.emplace_back(name, value);
  }
  if (!settings.api_key.empty()) out.emplace_back("Authorization", "Bearer " + settings.api_key);
  out.emplace_back("Accept-Encoding", "identity");
  out.emplace_back("x-request-id", request.id);
  return out;
}

}  // namespace

Headers UpstreamHeaders(const Request& request, const ProxySettings& settings) {
  Headers out = CommonHeaders(request, settings);
  out.emplace_back("Content-Type", "application/json");
  out.emplace_back("Accept", "application/json, text/event-stream");
  return out;
}

Headers PassedHeaders(const Request& request, const ProxySettings& settings) {
  Headers out = CommonHeaders(request, settings);
  for (const char* name : {"content-type", "accept"}) {
    if (const std::string* value = request.Find(name)) out.emplace_back(name, *value);
  }
  return out;
}

}  // namespace gatehouse::server

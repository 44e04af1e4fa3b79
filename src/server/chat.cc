#include "server/chat.h"

#include <span>
#include <utility>

#include "base/error.h"
#include "formats/json.h"
#include "guard/loaded_policy.h"
#include "server/completion.h"
#include "server/guard_member.h"
#include "server/messages.h"
#include "server/prerendered.h"
#include "server/sse.h"

namespace gatehouse::server {
namespace {

struct Shape : CompletionShape {
  bool logprobs = false, prerendered = false;
};

Json Entry(const VerdictWord& word) {
  Json bytes = Json::array();
  for (const char c : word.text) bytes.push_back(static_cast<unsigned char>(c));
  return {{"token", word.text}, {"logprob", word.log}, {"bytes", bytes}};
}

// The verdict word alone: of a list of categories no single probabilities are known.
Json LogprobsOf(const Verdict& verdict, const Policy& policy) {
  const VerdictLogs logs = LogsOf(verdict, policy);
  Json said = Entry(logs.said), other = Entry(logs.other);
  const bool likelier = logs.said.log >= logs.other.log;
  const Json top = Json::array({likelier ? said : other, likelier ? other : said});
  said["top_logprobs"] = top;
  Json out = Json::object();
  out["content"] = Json::array({std::move(said)});
  return out;
}

Response Whole(const Verdict& verdict, const Shape& shape, const Surroundings& around) {
  Json body = CompletionEnvelope("chatcmpl-", "chat.completion", shape.model);
  Json choice = {{"index", 0},
                 {"message", {{"role", "assistant"}, {"content", verdict.output}, {"refusal", nullptr}}},
                 {"logprobs", shape.logprobs ? LogprobsOf(verdict, around.policy->policy) : Json()},
                 {"finish_reason", "stop"}};
  body["choices"] = Json::array({std::move(choice)});
  body["usage"] = CompletionUsage(std::span(&verdict, 1), around.with_costs);
  return JsonResponse(200, JsonLine(body));
}

// A verdict is there at once; its events leave together.
Response Streamed(const Verdict& verdict, const Shape& shape, const Surroundings& around) {
  const Json envelope = CompletionEnvelope("chatcmpl-", "chat.completion.chunk", shape.model);
  std::string body;
  const auto add = [&](Json choices, Json usage) {
    Json chunk = envelope;
    chunk["choices"] = std::move(choices);
    if (shape.with_usage) chunk["usage"] = std::move(usage);
    body += EventOf(JsonLine(chunk));
  };
  const auto choice = [](Json delta, Json logprobs, Json finish) {
    return Json::array({Json{{"index", 0},
                             {"delta", std::move(delta)},
                             {"logprobs", std::move(logprobs)},
                             {"finish_reason", std::move(finish)}}});
  };
  add(choice({{"role", "assistant"}, {"content", ""}}, nullptr, nullptr), nullptr);
  add(choice({{"content", verdict.output}},
             shape.logprobs ? LogprobsOf(verdict, around.policy->policy) : Json(), nullptr),
      nullptr);
  add(choice(Json::object(), nullptr, "stop"), nullptr);
  if (shape.with_usage) add(Json::array(), CompletionUsage(std::span(&verdict, 1), around.with_costs));
  return EventsResponse(std::move(body));
}

Result<Shape> ReadShape(const Json& root, const Surroundings& around) {
  GATEHOUSE_ASSIGN(CompletionShape shared, ReadCompletionShape(root, around));
  Shape out;
  static_cast<CompletionShape&>(out) = std::move(shared);
  GATEHOUSE_ASSIGN(out.logprobs, Truth(root, "logprobs"));
  return out;
}

// What Llama Guard's own chat template takes, as vLLM hands it on.
Result<void> ReadTemplateMembers(const Json& root, ClassifyOptions* out) {
  const auto found = root.find("chat_template_kwargs");
  if (found == root.end() || found->is_null()) return {};
  if (!found->is_object())
    return BadInput("malformed request", "chat_template_kwargs", "an object", ShortJson(*found));
  Json guard = Json::object();
  for (const auto& [name, value] : found->items()) {
    if (name == "categories") guard["categories"] = value;
    if (name == "excluded_category_keys") guard["exclude"] = value;
  }
  Json request = Json::object();
  request["guard"] = guard;
  Result<GuardMember> read = ReadGuardMember(request, *out);
  if (!read.ok()) return Within("chat_template_kwargs", read.error());
  *out = std::move(read->options);
  return {};
}

Json ModelOf(const std::string& name, int64_t created) {
  return {{"id", name}, {"object", "model"}, {"created", created}, {"owned_by", "gatehouse"}};
}

}  // namespace

Result<Asked> ReadChatCompletion(const Request& request, const Surroundings& around) {
  GATEHOUSE_ASSIGN(const Json root, ParseJson(request.body, "body", ErrorCode::kBadInput));
  if (!root.is_object()) return BadInput("malformed request", "body", "an object", ShortJson(root));
  if (!root.contains("messages"))
    return BadInput("nothing to judge", "messages", "a list of messages", "nothing");
  GATEHOUSE_ASSIGN(Shape shape, ReadShape(root, around));
  GATEHOUSE_ASSIGN(const GuardMember member, ReadGuardMember(root, around.defaults));
  if (member.has_role)
    return BadInput("role of messages", "guard.role", "nothing: messages say it themselves", "a role");
  Asked out;
  out.options = member.options;
  GATEHOUSE_TRY(ReadTemplateMembers(root, &out.options));
  GATEHOUSE_ASSIGN(Conversation conversation,
                   ReadChat(root.at("messages"), "messages", around.max_image_bytes));
  // Judged as a text, it is another question than its sender believes.
  shape.prerendered = LooksPrerendered(conversation);
  const std::string* text = PrerenderedText(conversation);
  if (text != nullptr && around.may_send_raw_prompts) {
    GATEHOUSE_ASSIGN(Conversation raw, ReadPrerendered(*text, "messages", around, &out.options));
    conversation = std::move(raw);
    shape.prerendered = false;
  }
  out.conversations.push_back(std::move(conversation));
  out.names.emplace_back("messages");
  out.answer = [around, shape](const std::vector<Verdict>& verdicts) {
    Response response =
        shape.stream ? Streamed(verdicts.front(), shape, around) : Whole(verdicts.front(), shape, around);
    if (shape.prerendered) response.headers.emplace_back("X-Gatehouse-Warning", "prerendered");
    return response;
  };
  return out;
}

Response OneModel(const std::string& name, int64_t created) {
  return JsonResponse(200, JsonLine(ModelOf(name, created)));
}

Response ModelList(const std::vector<std::string>& names, int64_t created) {
  Json data = Json::array();
  for (const std::string& name : names) data.push_back(ModelOf(name, created));
  return JsonResponse(200, JsonLine({{"object", "list"}, {"data", std::move(data)}}));
}

}  // namespace gatehouse::server

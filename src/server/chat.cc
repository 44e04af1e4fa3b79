#include "server/chat.h"

#include <algorithm>
#include <chrono>
#include <cmath>

#include "base/error.h"
#include "formats/json.h"
#include "guard/loaded_policy.h"
#include "server/guard_member.h"
#include "server/http/request_id.h"
#include "server/messages.h"

namespace gatehouse::server {
namespace {

// What no probability of a float32 comes near to; JSON has no infinity.
constexpr double kLowestLog = -9999;

struct Shape {
  bool stream = false, with_usage = false, logprobs = false, prerendered = false;
  std::string model;  // as the client calls it
};

int64_t Now() {
  return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch())
      .count();
}

// How likely the model said each word (docs/verdict.md): its share before calibration, of both words' mass.
double LogOf(double share, double mass) {
  const double p = share * mass;
  return p > 0 ? std::max(std::log(p), kLowestLog) : kLowestLog;
}
double UnsafeShare(const Verdict& verdict, const Policy& policy) {
  if (policy.calibration_scale == 1.0 && policy.calibration_bias == 0.0) return verdict.unsafe_score;
  const double logit = std::log(verdict.unsafe_score / (1 - verdict.unsafe_score));
  return 1 / (1 + std::exp(-(logit - policy.calibration_bias) / policy.calibration_scale));
}

Json Entry(const std::string& word, double log) {
  Json bytes = Json::array();
  for (const char c : word) bytes.push_back(static_cast<unsigned char>(c));
  return {{"token", word}, {"logprob", log}, {"bytes", bytes}};
}

// The verdict word alone: of a list of categories no single probabilities are known.
Json LogprobsOf(const Verdict& verdict, const Policy& policy) {
  const double share = UnsafeShare(verdict, policy);
  Json said = Entry(policy.verdict.unsafe, LogOf(share, verdict.verdict_mass));
  Json other = Entry(policy.verdict.safe, LogOf(1 - share, verdict.verdict_mass));
  if (!verdict.unsafe) std::swap(said, other);
  const bool likelier = said["logprob"] >= other["logprob"];
  const Json top = Json::array({likelier ? said : other, likelier ? other : said});
  said["top_logprobs"] = top;
  Json out = Json::object();
  out["content"] = Json::array({std::move(said)});
  return out;
}

// Words and signs: the word, the line end, keys and commas between them.
int64_t PiecesOf(const Verdict& verdict) {
  const auto keys = static_cast<int64_t>(verdict.categories.size());
  return verdict.unsafe && keys > 0 ? 1 + 2 * keys : 1;
}

Json UsageOf(const Verdict& verdict, bool with_costs) {
  const int64_t pieces = PiecesOf(verdict);
  Json out = {{"prompt_tokens", verdict.usage.prompt_tokens},
              {"completion_tokens", pieces},
              {"total_tokens", verdict.usage.prompt_tokens + pieces}};
  if (with_costs) out["prompt_tokens_details"] = {{"cached_tokens", verdict.usage.cached_tokens}};
  return out;
}

Json Envelope(const Shape& shape, const char* object) {
  return {
      {"id", "chatcmpl-" + RandomHex(32)}, {"object", object}, {"created", Now()}, {"model", shape.model}};
}

Response Whole(const Verdict& verdict, const Shape& shape, const Surroundings& around) {
  Json body = Envelope(shape, "chat.completion");
  Json choice = {{"index", 0},
                 {"message", {{"role", "assistant"}, {"content", verdict.output}, {"refusal", nullptr}}},
                 {"logprobs", shape.logprobs ? LogprobsOf(verdict, around.policy->policy) : Json()},
                 {"finish_reason", "stop"}};
  body["choices"] = Json::array({std::move(choice)});
  body["usage"] = UsageOf(verdict, around.with_costs);
  return JsonResponse(200, JsonLine(body));
}

// A verdict is there at once; its events leave together.
Response Streamed(const Verdict& verdict, const Shape& shape, const Surroundings& around) {
  const Json envelope = Envelope(shape, "chat.completion.chunk");
  std::string body;
  const auto add = [&](Json choices, Json usage) {
    Json chunk = envelope;
    chunk["choices"] = std::move(choices);
    if (shape.with_usage) chunk["usage"] = std::move(usage);
    body += "data: " + JsonLine(chunk) + "\n\n";
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
  if (shape.with_usage) add(Json::array(), UsageOf(verdict, around.with_costs));
  Response out;
  out.headers.emplace_back("Content-Type", "text/event-stream");
  out.headers.emplace_back("Cache-Control", "no-cache");
  out.body = body + "data: [DONE]\n\n";
  return out;
}

Result<bool> Truth(const Json& root, const char* name) {
  const auto found = root.find(name);
  if (found == root.end() || found->is_null()) return false;
  if (!found->is_boolean()) return BadInput("malformed request", name, "true or false", ShortJson(*found));
  return found->get<bool>();
}

Result<Shape> ReadShape(const Json& root, const Surroundings& around) {
  Shape out;
  GATEHOUSE_ASSIGN(out.stream, Truth(root, "stream"));
  GATEHOUSE_ASSIGN(out.logprobs, Truth(root, "logprobs"));
  if (const auto options = root.find("stream_options"); options != root.end() && options->is_object()) {
    GATEHOUSE_ASSIGN(out.with_usage, Truth(*options, "include_usage"));
  }
  if (const auto n = root.find("n"); n != root.end() && !n->is_null() && *n != 1)
    return BadInput("several answers", "n", "1: there is one verdict", ShortJson(*n));
  out.model = around.served_names.front();
  if (const auto model = root.find("model"); model != root.end() && model->is_string() && *model != "")
    out.model = model->get<std::string>();
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

// Somebody rendered Llama Guard's prompt himself: judged as a text, it is another question.
bool IsPrerendered(const Conversation& conversation) {
  const std::vector<Part>& parts = conversation.messages.back().parts;
  return std::any_of(parts.begin(), parts.end(), [](const Part& part) {
    return part.text.find("<BEGIN UNSAFE CONTENT CATEGORIES>") != std::string::npos;
  });
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
  shape.prerendered = IsPrerendered(conversation);
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

Response ModelList(const std::vector<std::string>& names, int64_t created) {
  Json data = Json::array();
  for (const std::string& name : names)
    data.push_back({{"id", name}, {"object", "model"}, {"created", created}, {"owned_by", "gatehouse"}});
  return JsonResponse(200, JsonLine({{"object", "list"}, {"data", std::move(data)}}));
}

}  // namespace gatehouse::server

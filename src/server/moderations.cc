#include "server/moderations.h"

#include "base/error.h"
#include "formats/json.h"
#include "guard/loaded_policy.h"
#include "policy/conversation_json.h"
#include "policy/verdict_json.h"
#include "server/guard_member.h"
#include "server/http/request_id.h"
#include "server/messages.h"
#include "server/thirteen_names.h"

namespace gatehouse::server {
namespace {

// "text", "image", as they stand in the judged message.
Json TypesOf(const Message& message) {
  bool text = false, image = false;
  for (const Part& part : message.parts) {
    (part.kind == Part::Kind::kImage ? image : text) = true;
  }
  Json out = Json::array();
  if (text || !image) out.push_back("text");
  if (image) out.push_back("image");
  return out;
}

Json GuardOf(const Verdict& verdict, bool with_costs) {
  Json out = VerdictMembers(verdict);
  if (with_costs) AddCosts(verdict, &out);
  return out;
}

Response Written(const Json& body) { return JsonResponse(200, ShortFigures(JsonLine(body))); }

Result<void> AddInputs(const Json& input, const GuardMember& member, const Surroundings& around, Asked* out) {
  const auto add = [&](Message message, std::string name) {
    out->conversations.push_back(ConversationOf(std::move(message), member.role));
    out->names.push_back(std::move(name));
  };
  const Error bad = BadInput("malformed input", "input", "a string, a list of strings, or a list of parts",
                             ShortJson(input));
  if (input.is_string()) {
    add({Role::kUser, {Part::Text(input.get<std::string>())}}, "input");
    return {};
  }
  if (!input.is_array()) return bad;
  if (input.empty()) return BadInput("empty input", "input", "at least one text or part", "an empty list");
  if (input.front().is_object()) {  // parts of one message
    const Json messages = Json::array({Json{{"role", "user"}, {"content", input}}});
    ConversationOptions options;
    options.max_image_bytes = around.max_image_bytes;
    Result<Conversation> read = ReadMessages(messages, "input", options);
    if (!read.ok()) return read.error();
    add(std::move(read->messages.front()), "input");
    return {};
  }
  if (input.size() > kMaxInputs)
    return BadInput("too many inputs", "input", "at most " + std::to_string(kMaxInputs),
                    std::to_string(input.size()));
  for (size_t i = 0; i < input.size(); ++i) {
    if (!input[i].is_string()) return bad;
    add({Role::kUser, {Part::Text(input[i].get<std::string>())}}, "input[" + std::to_string(i) + "]");
  }
  return {};
}

Result<Asked> ReadInput(const Json& root, const Surroundings& around) {
  Asked out;
  GATEHOUSE_ASSIGN(const GuardMember member, ReadGuardMember(root, around.defaults));
  GATEHOUSE_TRY(AddInputs(root.at("input"), member, around, &out));
  out.options = member.options;
  std::vector<Json> types;
  for (const Conversation& conversation : out.conversations)
    types.push_back(TypesOf(conversation.messages.back()));
  out.answer = [around, types,
                own_list = !member.options.categories.empty()](const std::vector<Verdict>& verdicts) {
    Json body = {{"id", "modr-" + RandomHex(32)}, {"model", around.served_names.front()}};
    Json& results = body["results"] = Json::array();
    for (size_t i = 0; i < verdicts.size(); ++i) {
      ModerationMaps maps = MapsOf(verdicts[i], around.policy->policy, own_list, types[i]);
      results.push_back({{"flagged", verdicts[i].unsafe},
                         {"categories", std::move(maps.categories)},
                         {"category_scores", std::move(maps.scores)},
                         {"category_applied_input_types", std::move(maps.input_types)},
                         {"guard", GuardOf(verdicts[i], around.with_costs)}});
    }
    return Written(body);
  };
  return out;
}

Result<Asked> ReadMessagesBody(const Json& root, const Surroundings& around) {
  Asked out;
  GATEHOUSE_ASSIGN(const GuardMember member, ReadGuardMember(root, around.defaults));
  if (member.has_role)
    return BadInput("role of messages", "guard.role", "nothing: messages say it themselves", "a role");
  GATEHOUSE_ASSIGN(Conversation conversation,
                   ReadChat(root.at("messages"), "messages", around.max_image_bytes));
  out.conversations.push_back(std::move(conversation));
  out.names.emplace_back("messages");
  out.options = member.options;
  out.answer = [around](const std::vector<Verdict>& verdicts) {
    const Verdict& verdict = verdicts.front();
    return Written({{"model", around.served_names.front()},
                    {"results", Json::array({{{"flagged", verdict.unsafe},
                                              {"flagged_categories", verdict.categories},
                                              {"guard", GuardOf(verdict, around.with_costs)}}})}});
  };
  return out;
}

}  // namespace

Result<Asked> ReadModeration(const Request& request, const Surroundings& around) {
  GATEHOUSE_ASSIGN(const Json root, ParseJson(request.body, "body", ErrorCode::kBadInput));
  if (!root.is_object()) return BadInput("malformed request", "body", "an object", ShortJson(root));
  const auto has = [&](const char* name) { return root.contains(name) && !root.at(name).is_null(); };
  if (has("input") == has("messages"))
    return BadInput("what is to be judged", "input", "either input or messages",
                    has("input") ? "both" : "neither");
  return has("input") ? ReadInput(root, around) : ReadMessagesBody(root, around);
}

}  // namespace gatehouse::server

#include "server/proxy_answer.h"

#include <utility>

#include "base/error.h"
#include "policy/conversation_json.h"
#include "policy/message_members.h"
#include "server/request_members.h"

namespace gatehouse::server {
namespace {

// What servers say beside a message: numbers, reasons, probabilities. Of the words in `logprobs` those that
// were chosen are the message's, and the others were not said.
constexpr std::string_view kChoiceMembers =
    " index finish_reason native_finish_reason stop_reason matched_stop logprobs token_ids "
    "content_filter_results ";

// What they say beside all choices: numbers, names, what a filter of theirs found.
constexpr std::string_view kAnswerMembers =
    " id object created model choices usage system_fingerprint service_tier provider obfuscation moderation "
    "timings stats model_info runtime prompt_filter_results x_groq prompt_token_ids kv_transfer_params ";

// All texts within, names of members too.
void AddAllTexts(const Json& value, std::string* out) {
  if (value.is_string()) *out += value.get_ref<const std::string&>() + "\n";
  if (!value.is_structured()) return;
  for (const auto& [name, each] : value.items()) {
    if (value.is_object()) *out += name + ": ";
    AddAllTexts(each, out);
  }
}

Error NotJudged(const std::string& where) {
  return BadInput("member that is not judged", where, "no such member", "one");
}

}  // namespace

Result<void> CheckAnswer(const Json& root, std::vector<std::string>* left_out) {
  for (const auto& [name, value] : root.items()) {
    if (SaysNothing(value) || value.is_number() || value.is_boolean() || NamesList(kAnswerMembers, name))
      continue;
    if (value.is_string() && IsWord(value.get_ref<const std::string&>())) continue;
    GATEHOUSE_TRY(LeaveOut(left_out, NotJudged(name.substr(0, 60))));
  }
  return {};
}

Result<Conversation> WithFailure(const Conversation& before, const std::string& body) {
  Result<Json> read = ParseJson(body, "the upstream's error", ErrorCode::kBadInput);
  std::string text;
  if (read.ok()) AddAllTexts(*read, &text);
  return WithAnswer(before, Json{{"content", read.ok() ? text : body}}, "error", nullptr);
}

Result<void> CheckChoice(const Json& choice, const char* message, const std::string& where,
                         std::vector<std::string>* left_out) {
  if (!choice.is_object()) return BadInput("malformed answer", where, "an object", ShortJson(choice));
  for (const auto& [name, value] : choice.items()) {
    if (name == message || SaysNothing(value)) continue;
    if (NamesList(kChoiceMembers, name)) continue;
    GATEHOUSE_TRY(LeaveOut(left_out, NotJudged(where + "." + name.substr(0, 60))));
  }
  return {};
}

Result<Conversation> WithAnswer(const Conversation& before, Json message, const std::string& where,
                                std::vector<std::string>* left_out) {
  if (!message.is_object()) return BadInput("malformed answer", where, "an object", ShortJson(message));
  message["role"] = "assistant";
  if (const auto content = message.find("content"); content == message.end() || content->is_null())
    message["content"] = "";
  ConversationOptions options;
  options.left_out = left_out;
  GATEHOUSE_ASSIGN(Conversation read,
                   ReadMessages(Json::array({Json{{"role", "user"}, {"content", ""}}, std::move(message)}),
                                where, options));
  if (read.messages.size() != 2) return BadInput("malformed answer", where, "a message", "none");
  Conversation out = before;
  std::vector<Part>& parts = read.messages.back().parts;
  if (out.messages.back().role == Role::kUser) {
    out.messages.push_back(std::move(read.messages.back()));
    return out;
  }
  // It goes on where the client's beginning of it ends.
  std::vector<Part>& begun = out.messages.back().parts;
  size_t next = 0;
  if (!begun.empty() && begun.back().kind == Part::Kind::kText && !parts.empty() &&
      parts.front().kind == Part::Kind::kText)
    begun.back().text += parts[next++].text;
  for (; next < parts.size(); ++next) begun.push_back(std::move(parts[next]));
  return out;
}

Result<ProxyAnswer> ReadProxyAnswer(const std::string& body, const Conversation& before, bool leave_out) {
  ProxyAnswer out;
  std::vector<std::string>* left_out = leave_out ? &out.left_out : nullptr;
  GATEHOUSE_ASSIGN(out.root, ParseJson(body, "the upstream's answer", ErrorCode::kBadInput));
  const auto choices = out.root.is_object() ? out.root.find("choices") : out.root.end();
  if (!out.root.is_object() || choices == out.root.end() || !choices->is_array())
    return BadInput("malformed answer", "choices", "a list", "something else");
  GATEHOUSE_TRY(CheckAnswer(out.root, left_out));
  for (size_t i = 0; i < choices->size(); ++i) {
    const std::string where = "choices[" + std::to_string(i) + "]";
    const Json& choice = (*choices)[i];
    GATEHOUSE_TRY(CheckChoice(choice, "message", where, left_out));
    if (!choice.contains("message"))
      return BadInput("malformed answer", where + ".message", "an object", "nothing");
    GATEHOUSE_ASSIGN(Conversation conversation,
                     WithAnswer(before, choice["message"], where + ".message", left_out));
    out.choices.push_back(std::move(conversation));
  }
  return out;
}

std::string WithBlocked(Json root, const std::vector<bool>& blocked, const ProxySettings& settings,
                        const Json& moderation) {
  for (size_t i = 0; i < blocked.size(); ++i) {
    if (!blocked[i]) continue;
    Json& choice = root["choices"][i];
    const std::string text = settings.on_block == OnBlock::kRefusal ? settings.refusal : std::string();
    Json left = {{"index", choice.contains("index") ? choice["index"] : Json(i)}};
    left["message"] = {{"role", "assistant"}, {"content", text}, {"refusal", nullptr}};
    left["logprobs"] = nullptr;
    left["finish_reason"] = "content_filter";
    choice = std::move(left);
  }
  if (!moderation.is_null()) root["moderation"] = moderation;
  return ShortFigures(JsonLine(root));
}

}  // namespace gatehouse::server

#include "policy/message_members.h"

#include <utility>

#include "base/error.h"

namespace gatehouse {

// A request to a chat server may be given as it is: its settings say nothing. Its tools, its system prompt
// and what else it says in words are not listed.
const MemberTable kObjectMembers = {
    .read = "id messages categories exclude",
    .labels =
        "model temperature top_p top_k min_p n seed max_tokens max_completion_tokens max_output_tokens "
        "stream logprobs top_logprobs presence_penalty frequency_penalty repetition_penalty "
        "parallel_tool_calls reasoning_effort service_tier store keep_alive think created created_at object",
    .asides = "stream_options logit_bias"};

// tool_calls, function_call, refusal, audio, annotations: OpenAI. reasoning_content: DeepSeek, vLLM;
// reasoning, reasoning_details: OpenRouter, vLLM; thinking, images, tool_name: Ollama; thinking_blocks:
// LiteLLM; stop_reason: Llama API, Anthropic; weight: files for fine-tuning; prefix, partial: an answer to go
// on with.
const MemberTable kMessageMembers = {
    .read =
        "type role content reasoning_content reasoning thinking thinking_blocks reasoning_details images "
        "refusal tool_calls function_call",
    .labels =
        "name tool_call_id tool_name id status phase model stop_reason stop_sequence finish_reason created "
        "created_at created_by timestamp",
    .asides = "annotations logprobs usage cache_control",
    .flags = "is_error index prefix partial weight"};

const MemberTable kCallItemMembers = {
    .read = "type name arguments input", .labels = "id call_id status namespace created_by", .asides = ""};
const MemberTable kResultItemMembers = {
    .read = "type output", .labels = "id call_id status created_by", .asides = ""};
const MemberTable kReasoningItemMembers = {
    .read = "type summary content", .labels = "id status created_by", .asides = ""};

// A call stands in `function` or `custom`, or the entry is itself the function.
const MemberTable kToolCallMembers = {
    .read = "function custom name arguments", .labels = "id type index", .asides = ""};
const MemberTable kFunctionMembers = {.read = "name arguments", .labels = "index id", .asides = ""};
const MemberTable kCustomMembers = {.read = "name input", .labels = "", .asides = ""};

const MemberTable kTextPartMembers = {.read = "type",
                                      .labels = "id index signature format closed",
                                      .asides = "annotations logprobs cache_control"};
const MemberTable kImageUrlPartMembers = {.read = "type image_url",
                                          .labels = "id index detail uuid min_pixels max_pixels",
                                          .asides = "cache_control"};
const MemberTable kImageUrlMembers = {.read = "url", .labels = "detail format", .asides = ""};
const MemberTable kImagePartMembers = {
    .read = "type path image url base64 data source",
    .labels =
        "id index detail source_type media_type mime_type mimeType mediaType width height min_pixels "
        "max_pixels resized_width resized_height",
    .asides = "annotations cache_control"};
const MemberTable kImageSourceMembers = {.read = "type data url", .labels = "media_type", .asides = ""};
const MemberTable kToolUseMembers = {
    .read = "type name input", .labels = "id", .asides = "cache_control caller"};
const MemberTable kToolResultMembers = {
    .read = "type content", .labels = "tool_use_id", .asides = "cache_control", .flags = "is_error"};

namespace {

bool Lists(std::string_view names, std::string_view name) {
  if (name.empty() || name.find(' ') != std::string_view::npos) return false;
  for (size_t at = names.find(name); at != std::string_view::npos; at = names.find(name, at + 1)) {
    const size_t end = at + name.size();
    if ((at == 0 || names[at - 1] == ' ') && (end == names.size() || names[end] == ' ')) return true;
  }
  return false;
}

}  // namespace

bool IsAbsent(const Json& value) {
  if (value.is_string()) return value.get_ref<const std::string&>().empty();
  return value.is_null() || (value.is_structured() && value.empty());
}

const Json* Present(const Json& object, const char* name) {
  const auto at = object.find(name);
  return at == object.end() || IsAbsent(*at) ? nullptr : &*at;
}

bool IsIgnored(const MemberTable& table, std::string_view name, const Json& value) {
  if (IsAbsent(value) || Lists(table.asides, name)) return true;
  if (Lists(table.flags, name)) return value.is_boolean() || value.is_number();
  return Lists(table.labels, name) && !value.is_structured();
}

Result<void> LeaveOut(std::vector<std::string>* left_out, Error error) {
  if (left_out == nullptr) return error;
  left_out->push_back(std::move(error.where));
  return {};
}

Result<void> CheckMembers(const Json& object, const MemberTable& table, const ConversationOptions& options,
                          const std::string& where, std::string_view also_read) {
  for (const auto& [name, value] : object.items()) {
    if (Lists(table.read, name) || name == also_read || IsIgnored(table, name, value)) continue;
    GATEHOUSE_TRY(
        LeaveOut(options.left_out, BadInput("member that is not judged", where + "." + name.substr(0, 60),
                                            "no such member, or nothing in it", ShortJson(value))));
  }
  return {};
}

Result<std::string> RequiredText(const Json& object, const char* name, const std::string& where) {
  const Json* value = Present(object, name);
  if (value == nullptr || !value->is_string())
    return BadInput("malformed member", where + "." + name, "a string, not empty",
                    value == nullptr ? "nothing" : ShortJson(*value));
  return value->get<std::string>();
}

}  // namespace gatehouse

#include "server/request_members.h"

#include <algorithm>
#include <set>

#include "base/error.h"
#include "policy/message_members.h"

namespace gatehouse::server {
namespace {

// Read elsewhere (the first line), shown to no model, or descriptions and schemas, which are not judged.
// After OpenAI's: vLLM's and SGLang's, llama.cpp's, OpenRouter's.
constexpr std::string_view kPassed =
    " messages model stream n moderation guard "
    " metadata user safety_identifier prompt_cache_key prompt_cache_retention stop logit_bias service_tier "
    " modalities audio stream_options "
    " tools functions tool_choice function_call response_format "
    " stop_token_ids bad_words allowed_token_ids guided_json guided_regex guided_choice guided_grammar "
    "guided_decoding_backend guided_whitespace_pattern structured_outputs structural_tag regex ebnf "
    "logits_processors cache_salt request_id "
    " grammar json_schema samplers lora dry_sequence_breakers "
    " models route transforms provider session_id ";

// Settings made of words. What is more than a word in them is judged: a template or a search may show it.
constexpr std::string_view kOfWords =
    " reasoning_effort verbosity prediction web_search_options reasoning thinking think reasoning_format "
    "prompt_mode chat_template_kwargs mm_processor_kwargs plugins search_parameters keep_alive ";

// Words in a list may make a sentence: one alone is a setting.
void AddSettings(const Json& value, bool in_list, std::string* out) {
  if (value.is_string()) {
    const auto& text = value.get_ref<const std::string&>();
    if (!text.empty() && (in_list || !IsWord(text))) *out += text + (in_list ? " " : "\n");
  }
  if (!value.is_structured()) return;
  const bool several = value.is_array() && value.size() > 1;
  for (const auto& [name, each] : value.items()) {
    if (value.is_object() && !IsWord(name)) *out += name + "\n";
    AddSettings(each, in_list || several, out);
  }
}

// Templates show names. Ids may be long; what is no word in them is no id.
void AddNames(const Json& messages, std::set<std::string>* known, std::string* out) {
  if (!messages.is_array()) return;
  for (const Json& message : messages) {
    if (!message.is_object()) continue;
    for (const char* member : {"name", "tool_name", "tool_call_id"}) {
      const auto name = message.find(member);
      if (name == message.end() || !name->is_string()) continue;
      const auto& text = name->get_ref<const std::string&>();
      const size_t longest = member == std::string_view("tool_call_id") ? text.size() : kLongestWord;
      if (!text.empty() && !IsWord(text, longest) && known->insert(text).second) *out += text + "\n";
    }
  }
}

}  // namespace

bool NamesList(std::string_view names, const std::string& name) {
  return name.find(' ') == std::string::npos && names.find(" " + name + " ") != std::string_view::npos;
}

bool IsWord(const std::string& text, size_t longest) {
  constexpr std::string_view kSigns = "_-.:/@+=";
  return text.size() <= longest && std::all_of(text.begin(), text.end(), [&](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  kSigns.find(c) != std::string_view::npos;
         });
}

Result<std::string> TextsBeside(const Json& root, std::vector<std::string>* left_out) {
  std::string out;
  for (const auto& [name, value] : root.items()) {
    if (SaysNothing(value) || value.is_number() || value.is_boolean() || NamesList(kPassed, name)) continue;
    if (NamesList(kOfWords, name)) {
      AddSettings(value, false, &out);
      continue;
    }
    GATEHOUSE_TRY(LeaveOut(left_out, BadInput("member that is not judged", name.substr(0, 60),
                                              "no such member, or a number, true or false", "text")));
  }
  std::set<std::string> known;
  if (const auto messages = root.find("messages"); messages != root.end()) AddNames(*messages, &known, &out);
  if (!out.empty()) out.pop_back();
  return out;
}

}  // namespace gatehouse::server

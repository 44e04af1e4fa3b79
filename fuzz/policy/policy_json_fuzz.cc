// Any bytes: an error or a policy that renders a conversation. Seeds: models/policies,
// models/starter/policy.json.
#include <cstdint>
#include <string_view>

#include "policy/policy.h"
#include "policy/prompt.h"
#include "policy/thresholds.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto policy = gatehouse::ParsePolicy(bytes, "fuzz");
  if (policy.ok()) {
    gatehouse::Conversation conversation;
    conversation.AddUser("{content} <|eot|>");
    conversation.AddAssistant(" \xFF ");
    const auto prompt = gatehouse::RenderPrompt(*policy, conversation, {});
    if (!prompt.ok()) __builtin_trap();
    (void)gatehouse::PromptText(*prompt);
  }
  (void)gatehouse::ParseThresholds(bytes);
  (void)gatehouse::ParseThresholdsJson(bytes, "fuzz");
  return 0;
}

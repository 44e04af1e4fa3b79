#include "server/access.h"

#include <algorithm>

#include "base/error.h"
#include "base/input_file.h"
#include "policy/policy.h"

namespace gatehouse::server {
namespace {

constexpr size_t kMaxPolicyBytes = 16u << 20;

Error OfPolicy(const std::string& name, const Error& error) {
  Error out = Within("policies." + name, error);
  out.code = ErrorCode::kUsage;
  return out;
}

Result<NamedPolicy> LoadPolicy(const PolicySettings& settings, const Guard& guard) {
  NamedPolicy out;
  if (!settings.file.empty()) {
    GATEHOUSE_ASSIGN(const std::string json, ReadFile(settings.file, kMaxPolicyBytes));
    GATEHOUSE_ASSIGN(out.options.policy, guard.LoadPolicy(json, settings.file));
  }
  out.options.exclude = settings.exclude;
  out.options.thresholds = settings.thresholds;
  out.actions = settings.actions;
  return out;
}

// One question for each role: what a policy's prompts begin with is then there when the first client asks.
Result<void> Warm(const Guard& guard, const NamedPolicy& policy) {
  Conversation conversation;
  conversation.AddUser("hello");
  GATEHOUSE_TRY(guard.Classify(conversation, policy.options));
  conversation.AddAssistant("hello");
  GATEHOUSE_TRY(guard.Classify(conversation, policy.options));
  return {};
}

}  // namespace

const Key* Access::Named(const std::string& name) const {
  const auto found = std::find_if(keys.begin(), keys.end(), [&](const Key& key) { return key.name == name; });
  return found == keys.end() ? nullptr : &*found;
}

const NamedPolicy& Access::PolicyOf(const std::string& name) const {
  const auto found = policies.find(name);
  return found == policies.end() ? policies.at("") : found->second;
}

Result<std::vector<Key>> KeysOf(const Config& config, const std::vector<std::string>& api_keys) {
  std::vector<Key> keys = config.keys;
  for (size_t i = 0; i < api_keys.size(); ++i) {
    Key key;
    key.name = "api-key-" + std::to_string(i + 1);
    key.digest = DigestOf(api_keys[i]);
    for (const Key& other : keys) {
      if (other.name == key.name || other.digest == key.digest)
        return UsageError("a key twice", "--api-key", "keys and names of their own", other.name);
    }
    keys.push_back(std::move(key));
  }
  return keys;
}

Result<std::shared_ptr<const Access>> LoadAccess(const Config& config, std::vector<Key> keys,
                                                 const Guard& guard) {
  auto out = std::make_shared<Access>();
  out->keys = std::move(keys);
  out->policies[""];
  GATEHOUSE_TRY(Warm(guard, out->policies[""]));
  for (const PolicySettings& settings : config.policies) {
    Result<NamedPolicy> policy = LoadPolicy(settings, guard);
    if (!policy.ok()) return OfPolicy(settings.name, policy.error());
    const Result<void> warm = Warm(guard, *policy);
    if (!warm.ok()) return OfPolicy(settings.name, warm.error());
    out->policies[settings.name] = std::move(*policy);
  }
  return std::shared_ptr<const Access>(std::move(out));
}

Result<void> CheckPolicies(const Config& config) {
  for (const PolicySettings& settings : config.policies) {
    if (settings.file.empty()) continue;
    const Result<std::string> json = ReadFile(settings.file, kMaxPolicyBytes);
    if (!json.ok()) return OfPolicy(settings.name, json.error());
    const Result<Policy> policy = ParsePolicy(*json, settings.file);
    if (!policy.ok()) return OfPolicy(settings.name, policy.error());
  }
  return {};
}

}  // namespace gatehouse::server

// Access: the keys and policies in force, as one value that is exchanged whole when they are read anew.
//
//   GATEHOUSE_ASSIGN(auto access, LoadAccess(config, api_keys, guard));
//   const NamedPolicy& policy = access->PolicyOf(key);
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "gatehouse/guard.h"
#include "server/config.h"
#include "server/keys.h"

namespace gatehouse::server {

struct NamedPolicy {
  ClassifyOptions options;  // its handle, thresholds and what is left out
  std::map<std::string, Action> actions;
};

struct Access {
  std::vector<Key> keys;
  std::map<std::string, NamedPolicy> policies;  // "": the guard's own

  const Key* Named(const std::string& name) const;
  const NamedPolicy& PolicyOf(const std::string& name) const;
};

// The keys of the configuration, and those of --api-key, named api-key-1 and so on. Errors: kUsage: a name
// or digest twice.
Result<std::vector<Key>> KeysOf(const Config& config, const std::vector<std::string>& api_keys);

// Loads the policies and asks the guard a first question by each, so that their beginnings are computed and
// categories that do not exist are found. Errors: kUsage, naming the policy.
Result<std::shared_ptr<const Access>> LoadAccess(const Config& config, std::vector<Key> keys,
                                                 const Guard& guard);

// What can be checked of policies without a model.
Result<void> CheckPolicies(const Config& config);

}  // namespace gatehouse::server

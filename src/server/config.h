// The configuration file: TOML, with every flag of `gatehouse serve` by its name, keys and policies.
//
//   GATEHOUSE_ASSIGN(const Config config, ReadConfig("gatehouse.toml"));
//
//   port = 8443
//   served-model-name = ["llama-guard", "guard"]
//   [[keys]]
//   name = "team-a"
//   sha256 = "..."
//   [policies.strict]
//   threshold = 0.3
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "gatehouse/result.h"
#include "gatehouse/thresholds.h"
#include "server/keys.h"

namespace gatehouse::server {

// What is done with a message that is unsafe by some category.
enum class Action { kIgnore, kFlag, kBlock };

// A policy that keys name. What is left out is the model's own.
struct PolicySettings {
  std::string name;
  std::string
      file;  // as it stands there, below the folder of the configuration; empty: the guard's own policy
  Thresholds thresholds;
  std::vector<std::string> exclude;
  std::map<std::string, Action> actions;  // by key, and "default"
};

struct Config {
  // Flags by their names without dashes, each with its values as texts ("true" of a switch).
  std::vector<std::pair<std::string, std::vector<std::string>>> flags;
  std::vector<Key> keys;
  std::vector<PolicySettings> policies;
};

// Errors: kUsage, naming file and member: no TOML, a member that is unknown or of another type, two keys of
// one name or digest, a policy that is not there.
Result<Config> ParseConfig(std::string_view toml, const std::string& name);
Result<Config> ReadConfig(const std::string& path);

}  // namespace gatehouse::server

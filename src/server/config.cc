#include "server/config.h"

#include <toml++/toml.h>

#include <set>

#include "base/error.h"
#include "base/input_file.h"
#include "server/toml_values.h"

namespace gatehouse::server {
namespace {

constexpr size_t kMaxConfigBytes = 4u << 20;

Result<Key> ReadKey(const toml::table& table, const std::string& where) {
  Key out;
  bool named = false, has_digest = false;
  for (const auto& [member, node] : table) {
    const std::string at = where + "." + std::string(member.str());
    if (member == "name") {
      GATEHOUSE_ASSIGN(out.name, TomlName(node, at));
      named = true;
    } else if (member == "sha256") {
      GATEHOUSE_ASSIGN(const std::string hex, TomlText(node, at));
      GATEHOUSE_ASSIGN(out.digest, ParseDigest(hex, at));
      has_digest = true;
    } else if (member == "roles") {
      GATEHOUSE_ASSIGN(const std::vector<std::string> words, TomlTexts(node, at));
      out.rights = Rights();
      for (const std::string& word : words) {
        GATEHOUSE_ASSIGN(const Right right, RightOf(word, at));
        out.rights.Add(right);
      }
    } else if (member == "policy") {
      GATEHOUSE_ASSIGN(out.policy, TomlText(node, at));
    } else if (member == "requests_per_minute") {
      GATEHOUSE_ASSIGN(out.requests_per_minute, TomlCount(node, at));
    } else if (member == "max_unfinished_tokens") {
      GATEHOUSE_ASSIGN(out.max_unfinished_tokens, TomlCount(node, at));
    } else {
      return UnknownToml(at, "name, sha256, roles, policy, requests_per_minute or max_unfinished_tokens");
    }
  }
  if (!named) return UsageError("missing member", where + ".name", "a name", "nothing");
  if (!has_digest) return UsageError("missing member", where + ".sha256", "the digest of a key", "nothing");
  return out;
}

Result<std::map<std::string, Action>> ReadActions(const toml::node& node, const std::string& where) {
  const toml::table* table = node.as_table();
  if (table == nullptr) return WrongToml(where, "a table from category to block, flag or ignore", node);
  std::map<std::string, Action> out;
  for (const auto& [category, value] : *table) {
    const std::string at = where + "." + std::string(category.str());
    GATEHOUSE_ASSIGN(const std::string word, TomlText(value, at));
    if (word != "block" && word != "flag" && word != "ignore")
      return UsageError("unknown action", at, "block, flag or ignore", "another word");
    out[std::string(category.str())] = word == "block"  ? Action::kBlock
                                       : word == "flag" ? Action::kFlag
                                                        : Action::kIgnore;
  }
  return out;
}

Result<PolicySettings> ReadPolicy(const std::string& name, const toml::node& node, const std::string& where) {
  const toml::table* table = node.as_table();
  if (table == nullptr) return WrongToml(where, "a table", node);
  PolicySettings out;
  out.name = name;
  for (const auto& [member, value] : *table) {
    const std::string at = where + "." + std::string(member.str());
    if (member == "file") {
      GATEHOUSE_ASSIGN(out.file, TomlText(value, at));
    } else if (member == "threshold") {
      out.thresholds.replaces = true;
      const auto word = value.value_exact<std::string>();
      if (word == "none") continue;  // only the categories' own judge
      GATEHOUSE_ASSIGN(out.thresholds.overall, TomlShare(value, at));
    } else if (member == "thresholds") {
      const toml::table* own = value.as_table();
      if (own == nullptr) return WrongToml(at, "a table from category to number", value);
      for (const auto& [category, number] : *own) {
        GATEHOUSE_ASSIGN(const double share, TomlShare(number, at + "." + std::string(category.str())));
        out.thresholds.categories.emplace_back(category.str(), share);
      }
    } else if (member == "exclude") {
      GATEHOUSE_ASSIGN(out.exclude, TomlTexts(value, at));
    } else if (member == "actions") {
      GATEHOUSE_ASSIGN(out.actions, ReadActions(value, at));
    } else {
      return UnknownToml(at, "file, threshold, thresholds, exclude or actions");
    }
  }
  return out;
}

Result<void> ReadFlag(const std::string& name, const toml::node& node, const std::string& where,
                      Config* out) {
  std::vector<std::string> values;
  if (const toml::array* list = node.as_array()) {
    for (const toml::node& entry : *list) {
      GATEHOUSE_ASSIGN(std::string text, TomlFlag(entry, where));
      values.push_back(std::move(text));
    }
  } else {
    GATEHOUSE_ASSIGN(std::string text, TomlFlag(node, where));
    values.push_back(std::move(text));
  }
  out->flags.emplace_back(name, std::move(values));
  return {};
}

Result<void> CheckNames(const Config& config, const std::string& name) {
  std::set<std::string> names, policies;
  std::set<std::array<std::byte, 32>> digests;
  for (const PolicySettings& policy : config.policies) policies.insert(policy.name);
  for (const Key& key : config.keys) {
    const std::string where = name + ": keys." + key.name;
    if (!names.insert(key.name).second) return UsageError("two keys of one name", where, "one", "two");
    if (!digests.insert(key.digest).second)
      return UsageError("one key under two names", where, "another digest", "that of a key before it");
    if (!key.policy.empty() && !policies.contains(key.policy))
      return UsageError("unknown policy", where + ".policy", "the name of one in [policies]", "another");
  }
  return {};
}

Result<Config> Read(const toml::table& root, const std::string& name) {
  Config out;
  for (const auto& [member, node] : root) {
    const std::string key(member.str()), where = name + ": " + key;
    if (key == "keys") {
      const toml::array* list = node.as_array();
      if (list == nullptr || list->empty() || !list->is_array_of_tables())
        return WrongToml(where, "tables under [[keys]]", node);
      for (size_t i = 0; i < list->size(); ++i) {
        GATEHOUSE_ASSIGN(Key read, ReadKey(*list->get(i)->as_table(), where + "[" + std::to_string(i) + "]"));
        out.keys.push_back(std::move(read));
      }
    } else if (key == "policies") {
      const toml::table* table = node.as_table();
      if (table == nullptr) return WrongToml(where, "tables under [policies.NAME]", node);
      for (const auto& [policy, settings] : *table) {
        const std::string own(policy.str());
        GATEHOUSE_ASSIGN(PolicySettings read, ReadPolicy(own, settings, where + "." + own));
        out.policies.push_back(std::move(read));
      }
    } else {
      GATEHOUSE_TRY(ReadFlag(key, node, where, &out));
    }
  }
  GATEHOUSE_TRY(CheckNames(out, name));
  return out;
}

}  // namespace

Result<Config> ParseConfig(std::string_view toml, const std::string& name) {
  try {
    return Read(toml::parse(toml, name), name);
  } catch (const toml::parse_error& error) {  // its text may quote the file: only the place is told
    return UsageError("no TOML", name + " line " + std::to_string(error.source().begin.line), "TOML",
                      "a line that is none");
  }
}

Result<Config> ReadConfig(const std::string& path) {
  GATEHOUSE_ASSIGN(const std::string text, ReadFile(path, kMaxConfigBytes, ErrorCode::kUsage));
  GATEHOUSE_ASSIGN(Config out, ParseConfig(text, path));
  const size_t slash = path.rfind('/');
  for (PolicySettings& policy : out.policies) {
    if (!policy.file.empty() && policy.file.front() != '/' && slash != std::string::npos)
      policy.file = path.substr(0, slash + 1) + policy.file;
  }
  return out;
}

}  // namespace gatehouse::server

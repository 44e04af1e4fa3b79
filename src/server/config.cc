#include "server/config.h"

#include <toml++/toml.h>

#include <algorithm>
#include <charconv>
#include <set>

#include "base/error.h"
#include "base/input_file.h"

namespace gatehouse::server {
namespace {

constexpr size_t kMaxConfigBytes = 4u << 20;
constexpr size_t kMaxName = 64;

// What kind of value stands there, never the value: it may be a secret.
std::string KindOf(const toml::node& node) {
  switch (node.type()) {
    case toml::node_type::table:
      return "a table";
    case toml::node_type::array:
      return "a list";
    case toml::node_type::string:
      return "a string";
    case toml::node_type::integer:
      return "a whole number";
    case toml::node_type::floating_point:
      return "a number";
    case toml::node_type::boolean:
      return "true or false";
    default:
      return "a date or time";
  }
}

Error Wrong(const std::string& where, const std::string& expected, const toml::node& found) {
  return UsageError("malformed configuration", where, expected, KindOf(found));
}
Error Unknown(const std::string& where, const std::string& expected) {
  return UsageError("unknown member", where, expected, "another");
}

Result<std::string> Text(const toml::node& node, const std::string& where) {
  const auto text = node.value_exact<std::string>();
  if (!text || text->empty()) return Wrong(where, "a string, not empty", node);
  return *text;
}
Result<std::vector<std::string>> Texts(const toml::node& node, const std::string& where) {
  const toml::array* list = node.as_array();
  if (list == nullptr) return Wrong(where, "a list of strings", node);
  std::vector<std::string> out;
  for (const toml::node& entry : *list) {
    GATEHOUSE_ASSIGN(std::string text, Text(entry, where));
    out.push_back(std::move(text));
  }
  return out;
}
Result<double> Share(const toml::node& node, const std::string& where) {
  const auto number = node.value<double>();
  if (!node.is_number() || !number || !(*number >= 0 && *number <= 1))
    return Wrong(where, "a number from 0 to 1", node);
  return *number;
}
Result<int64_t> Count(const toml::node& node, const std::string& where) {
  const auto number = node.value_exact<int64_t>();
  if (!number || *number < 1) return Wrong(where, "a whole number, at least 1", node);
  return *number;
}
Result<std::string> Name(const toml::node& node, const std::string& where) {
  GATEHOUSE_ASSIGN(std::string name, Text(node, where));
  const bool good = name.size() <= kMaxName && std::all_of(name.begin(), name.end(), [](char c) {
                      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                             c == '-' || c == '_' || c == '.';
                    });
  if (!good)
    return UsageError("malformed name", where, "letters, digits, - _ and ., at most 64", "other characters");
  return name;
}

Result<Key> ReadKey(const toml::table& table, const std::string& where) {
  Key out;
  bool named = false, has_digest = false;
  for (const auto& [member, node] : table) {
    const std::string at = where + "." + std::string(member.str());
    if (member == "name") {
      GATEHOUSE_ASSIGN(out.name, Name(node, at));
      named = true;
    } else if (member == "sha256") {
      GATEHOUSE_ASSIGN(const std::string hex, Text(node, at));
      GATEHOUSE_ASSIGN(out.digest, ParseDigest(hex, at));
      has_digest = true;
    } else if (member == "roles") {
      GATEHOUSE_ASSIGN(const std::vector<std::string> words, Texts(node, at));
      out.rights = Rights();
      for (const std::string& word : words) {
        GATEHOUSE_ASSIGN(const Right right, RightOf(word, at));
        out.rights.Add(right);
      }
    } else if (member == "policy") {
      GATEHOUSE_ASSIGN(out.policy, Text(node, at));
    } else if (member == "requests_per_minute") {
      GATEHOUSE_ASSIGN(out.requests_per_minute, Count(node, at));
    } else if (member == "max_unfinished_tokens") {
      GATEHOUSE_ASSIGN(out.max_unfinished_tokens, Count(node, at));
    } else {
      return Unknown(at, "name, sha256, roles, policy, requests_per_minute or max_unfinished_tokens");
    }
  }
  if (!named) return UsageError("missing member", where + ".name", "a name", "nothing");
  if (!has_digest) return UsageError("missing member", where + ".sha256", "the digest of a key", "nothing");
  return out;
}

Result<std::map<std::string, Action>> ReadActions(const toml::node& node, const std::string& where) {
  const toml::table* table = node.as_table();
  if (table == nullptr) return Wrong(where, "a table from category to block, flag or ignore", node);
  std::map<std::string, Action> out;
  for (const auto& [category, value] : *table) {
    const std::string at = where + "." + std::string(category.str());
    GATEHOUSE_ASSIGN(const std::string word, Text(value, at));
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
  if (table == nullptr) return Wrong(where, "a table", node);
  PolicySettings out;
  out.name = name;
  for (const auto& [member, value] : *table) {
    const std::string at = where + "." + std::string(member.str());
    if (member == "file") {
      GATEHOUSE_ASSIGN(out.file, Text(value, at));
    } else if (member == "threshold") {
      out.thresholds.replaces = true;
      const auto word = value.value_exact<std::string>();
      if (word == "none") continue;  // only the categories' own judge
      GATEHOUSE_ASSIGN(out.thresholds.overall, Share(value, at));
    } else if (member == "thresholds") {
      const toml::table* own = value.as_table();
      if (own == nullptr) return Wrong(at, "a table from category to number", value);
      for (const auto& [category, number] : *own) {
        GATEHOUSE_ASSIGN(const double share, Share(number, at + "." + std::string(category.str())));
        out.thresholds.categories.emplace_back(category.str(), share);
      }
    } else if (member == "exclude") {
      GATEHOUSE_ASSIGN(out.exclude, Texts(value, at));
    } else if (member == "actions") {
      GATEHOUSE_ASSIGN(out.actions, ReadActions(value, at));
    } else {
      return Unknown(at, "file, threshold, thresholds, exclude or actions");
    }
  }
  return out;
}

// A value as it would be written behind its flag.
Result<std::string> FlagText(const toml::node& node, const std::string& where) {
  if (const auto text = node.value_exact<std::string>()) return *text;
  if (const auto number = node.value_exact<int64_t>()) return std::to_string(*number);
  if (const auto truth = node.value_exact<bool>()) return std::string(*truth ? "true" : "false");
  if (const auto real = node.value_exact<double>()) {
    char digits[32];
    const auto end = std::to_chars(digits, digits + sizeof digits, *real).ptr;
    return std::string(digits, end);
  }
  return Wrong(where, "a string, a number, true or false, or a list of them", node);
}

Result<void> ReadFlag(const std::string& name, const toml::node& node, const std::string& where,
                      Config* out) {
  std::vector<std::string> values;
  if (const toml::array* list = node.as_array()) {
    for (const toml::node& entry : *list) {
      GATEHOUSE_ASSIGN(std::string text, FlagText(entry, where));
      values.push_back(std::move(text));
    }
  } else {
    GATEHOUSE_ASSIGN(std::string text, FlagText(node, where));
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
        return Wrong(where, "tables under [[keys]]", node);
      for (size_t i = 0; i < list->size(); ++i) {
        GATEHOUSE_ASSIGN(Key read, ReadKey(*list->get(i)->as_table(), where + "[" + std::to_string(i) + "]"));
        out.keys.push_back(std::move(read));
      }
    } else if (key == "policies") {
      const toml::table* table = node.as_table();
      if (table == nullptr) return Wrong(where, "tables under [policies.NAME]", node);
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

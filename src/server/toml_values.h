// Values of a TOML file, each with the check that it is of its kind. Errors name the place and never quote a
// value: it may be a secret.
//
//   GATEHOUSE_ASSIGN(out.policy, TomlText(node, "g.toml: keys[0].policy"));
#pragma once

#include <toml++/toml.h>

#include <cstdint>
#include <string>
#include <vector>

#include "gatehouse/result.h"

namespace gatehouse::server {

// Errors to return, of code kUsage.
Error WrongToml(const std::string& where, const std::string& expected, const toml::node& found);
Error UnknownToml(const std::string& where, const std::string& expected);

// Errors: kUsage.
Result<std::string> TomlText(const toml::node& node, const std::string& where);  // not empty
Result<std::vector<std::string>> TomlTexts(const toml::node& node, const std::string& where);
Result<double> TomlShare(const toml::node& node, const std::string& where);   // from 0 to 1
Result<int64_t> TomlCount(const toml::node& node, const std::string& where);  // at least 1
// Letters, digits, - _ and ., at most 64.
Result<std::string> TomlName(const toml::node& node, const std::string& where);
// A value as it would be written behind its flag.
Result<std::string> TomlFlag(const toml::node& node, const std::string& where);

}  // namespace gatehouse::server

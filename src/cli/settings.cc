#include "cli/settings.h"

#include <algorithm>
#include <cstdlib>

#include "base/error.h"

namespace gatehouse::cli {
namespace {

// --max-body-bytes: GATEHOUSE_MAX_BODY_BYTES.
std::string VariableOf(const std::string& option) {
  std::string out = "GATEHOUSE_";
  for (const char c : option.substr(2))
    out += c == '-' ? '_' : c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  return out;
}

// where: instead of the option's own name in errors. A value may be a secret: what was found is not quoted.
Result<void> Take(Option& option, const std::string& value, const std::string& where) {
  if (option.kind() == Option::Kind::kFlag) {
    if (value == "false" || value == "0") return {};
    if (value != "true" && value != "1") return UsageError("bad value", where, "true or false", "another");
    return option.Take("on");
  }
  const Result<void> taken = option.Take(value);
  if (taken.ok()) return {};
  Error error = At(where, taken.error());
  error.found = value.empty() ? "nothing" : "another value";
  return error;
}

}  // namespace

Result<void> TakeFromEnvironment(Command& command) {
  for (const auto& option : command.options()) {
    const std::string name = VariableOf(option->name());
    const char* value = std::getenv(name.c_str());
    if (value != nullptr && !option->given()) GATEHOUSE_TRY(Take(*option, value, name));
  }
  return {};
}

Result<void> TakeFromFile(Command& command,
                          const std::vector<std::pair<std::string, std::vector<std::string>>>& flags,
                          const std::string& file, const std::vector<std::string>& never) {
  for (const auto& [name, values] : flags) {
    const std::string where = file + ": " + name;
    Option* option = command.Find("--" + name);
    if (option == nullptr || std::find(never.begin(), never.end(), name) != never.end())
      return UsageError("unknown member", where,
                        "keys, policies, or an option of gatehouse serve by its name", "another");
    if (option->given()) continue;
    for (const std::string& value : values) GATEHOUSE_TRY(Take(*option, value, where));
  }
  return {};
}

}  // namespace gatehouse::cli

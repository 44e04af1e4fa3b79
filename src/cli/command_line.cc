#include "cli/command_line.h"

#include "base/error.h"

namespace gatehouse::cli {
namespace {

bool IsOption(const std::string& argument) { return argument.size() > 1 && argument.front() == '-'; }
bool IsLongOption(const std::string& argument) { return argument.rfind("--", 0) == 0; }

}  // namespace

Command& Command::Add(const std::string& name, const std::string& about) {
  return *commands_.emplace_back(std::make_unique<Command>(name_ + " " + name, about));
}

Option& Command::Declare(Option option) {
  return *options_.emplace_back(std::make_unique<Option>(std::move(option)));
}
Option& Command::Flag(const std::string& name, bool* to, const std::string& help) {
  return Declare({Option::Kind::kFlag, name, to, help});
}
Option& Command::Value(const std::string& name, Option::Target to, const std::string& help) {
  return Declare({Option::Kind::kValue, name, to, help});
}
Option& Command::Path(const std::string& name, std::string* to, const std::string& help) {
  return Declare({Option::Kind::kPath, name, to, help});
}
Option& Command::Path(const std::string& name, std::vector<std::string>* to, const std::string& help) {
  return Declare({Option::Kind::kPath, name, to, help});
}
Option& Command::Text(const std::string& name, std::vector<std::string>* to, const std::string& help) {
  return Declare({Option::Kind::kText, name, to, help});
}
Option& Command::PositionalPath(const std::string& name, std::string* to, const std::string& help) {
  return *positional_.emplace_back(std::make_unique<Option>(Option::Kind::kPath, name, to, help));
}
Option& Command::PositionalWord(const std::string& name, std::string* to, const std::string& help) {
  return *positional_.emplace_back(std::make_unique<Option>(Option::Kind::kValue, name, to, help));
}

Option* Command::Find(const std::string& name) const {
  for (const auto& option : options_) {
    if (option->name() == name) return option.get();
  }
  return nullptr;
}

Result<size_t> Command::ParseOption(const std::vector<std::string>& arguments, size_t at) {
  const std::string& argument = arguments[at];
  const size_t equals = argument.find('=');
  const std::string name = argument.substr(0, equals);
  Option* option = Find(name);
  if (option == nullptr)
    return UsageError("unknown option", name_, "one that " + name_ + " --help lists", name);
  ++at;
  if (option->kind() == Option::Kind::kFlag) {
    if (equals != std::string::npos) return UsageError("a value for a switch", name, "none", argument);
    GATEHOUSE_TRY(option->Take("on"));
    return at;
  }
  if (equals != std::string::npos) {
    GATEHOUSE_TRY(option->Take(argument.substr(equals + 1)));
    return at;
  }
  if (at == arguments.size()) return UsageError("no value", name, "one behind it", "the end of the command");
  // A forgotten value must not swallow the next option.
  if (option->kind() != Option::Kind::kText && IsLongOption(arguments[at])) {
    return UsageError("no value", name, "one behind it (" + name + "=VALUE if it begins with --)",
                      arguments[at]);
  }
  GATEHOUSE_TRY(option->Take(arguments[at++]));
  while (option->takes_many() && at < arguments.size() && !IsOption(arguments[at]))
    GATEHOUSE_TRY(option->Take(arguments[at++]));
  return at;
}

Result<void> Command::CheckAll() const {
  for (const auto& positional : positional_) {
    if (!positional->given()) return UsageError("missing argument", name_, positional->name(), "nothing");
  }
  for (const auto& option : options_) {
    GATEHOUSE_TRY(option->Check());
    const Option* other = option->excludes().empty() ? nullptr : Find(option->excludes());
    if (option->given() && other != nullptr && other->given())
      return UsageError("options that exclude each other", name_,
                        "one of " + option->name() + " and " + other->name(), "both");
  }
  return {};
}

Result<Invocation> Command::Parse(const std::vector<std::string>& arguments, size_t at) {
  size_t positional = 0;
  bool options_end = false;
  while (at < arguments.size()) {
    const std::string& argument = arguments[at];
    if (!options_end && argument == "--") {
      options_end = true;
      ++at;
    } else if (!options_end && (argument == "--help" || argument == "-h")) {
      return Invocation{Help(), {}};
    } else if (!options_end && IsOption(argument)) {
      GATEHOUSE_ASSIGN(at, ParseOption(arguments, at));
    } else if (!commands_.empty()) {
      for (const auto& command : commands_) {
        if (command->name_ == name_ + " " + argument) return command->Parse(arguments, at + 1);
      }
      return UsageError("unknown subcommand", name_, "one that " + name_ + " --help lists", argument);
    } else if (positional < positional_.size()) {
      GATEHOUSE_TRY(positional_[positional++]->Take(argument));
      ++at;
    } else {
      return UsageError("unexpected argument", name_,
                        positional_.empty() ? "options alone" : "no more arguments",
                        "\"" + argument.substr(0, 60) + "\"");
    }
  }
  GATEHOUSE_TRY(CheckAll());
  if (!action_) return UsageError("no subcommand", name_, "one that " + name_ + " --help lists", "nothing");
  return Invocation{{}, action_};
}

}  // namespace gatehouse::cli

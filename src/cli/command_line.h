// The command line: a tree of commands, each with its options and what it does.
//
//   Command gatehouse("gatehouse", "Safety verdicts for conversations");
//   Command& version = gatehouse.Add("version", "Print the version");
//   auto verbose = std::make_shared<bool>(false);
//   version.Flag("--verbose", verbose.get(), "also name the kernels");
//   version.Does([=] { return PrintVersion(*verbose); });
//
//   GATEHOUSE_ASSIGN(const Invocation asked, gatehouse.Parse({"version", "--verbose"}));
//
// Options are written --name VALUE or --name=VALUE, before and behind positional arguments; "--" ends them. A
// value that begins with "--" needs the second form, except where text to judge is expected: there every
// argument is text. There are no short options but -h and no abbreviations, and nothing here reads the
// environment or a file (settings.h does, for the command that serves).
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "cli/option.h"
#include "gatehouse/result.h"

namespace gatehouse::cli {

// Runs after parsing; the value is the exit code.
using Action = std::function<Result<int>()>;

// What a command line asks for: a page of help, or something to do.
struct Invocation {
  std::string help;  // empty: none
  Action action;
};

class Command {
 public:
  // about: one line, for the list of commands.
  Command(std::string name, std::string about) : name_(std::move(name)), about_(std::move(about)) {}

  // A command below this one; it stays where it is.
  Command& Add(const std::string& name, const std::string& about);

  // Targets must live as long as the actions do, and hold the defaults.
  Option& Flag(const std::string& name, bool* to, const std::string& help);
  Option& Value(const std::string& name, Option::Target to, const std::string& help);
  Option& Path(const std::string& name, std::string* to, const std::string& help);
  Option& Path(const std::string& name, std::vector<std::string>* to, const std::string& help);
  Option& Text(const std::string& name, std::vector<std::string>* to, const std::string& help);
  // Arguments without a name, all compulsory, in the order of declaration.
  Option& PositionalPath(const std::string& name, std::string* to, const std::string& help);
  Option& PositionalWord(const std::string& name, std::string* to, const std::string& help);

  // Text behind the list of options in the help: examples.
  void Footer(std::string text) { footer_ = std::move(text); }
  // Without it, one of the commands below must be named.
  void Does(Action action) { action_ = std::move(action); }

  // arguments: without the program's name. Values are stored as they are read. Errors: kUsage.
  Result<Invocation> Parse(const std::vector<std::string>& arguments) { return Parse(arguments, 0); }
  std::string Help() const;

  // Options by their names, for those who take their values from elsewhere too; once they have, CheckAll
  // looks again at what Parse looked at.
  Option* Find(const std::string& name) const;
  const std::vector<std::unique_ptr<Option>>& options() const { return options_; }
  Result<void> CheckAll() const;

 private:
  Result<Invocation> Parse(const std::vector<std::string>& arguments, size_t at);
  // One option, its name at `at`; the place behind its values.
  Result<size_t> ParseOption(const std::vector<std::string>& arguments, size_t at);
  Option& Declare(Option option);

  std::string name_, about_, footer_;
  std::vector<std::unique_ptr<Command>> commands_;
  std::vector<std::unique_ptr<Option>> options_, positional_;
  Action action_;
};

}  // namespace gatehouse::cli

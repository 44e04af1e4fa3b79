// The page that --help prints.
#include <string>

#include "cli/command_line.h"

namespace gatehouse::cli {
namespace {

constexpr size_t kIndent = 30;  // of the explanations
constexpr size_t kWidth = 110;

// "  name    explanation", lines broken between words; a long name stands on a line of its own.
void AddEntry(const std::string& name, const std::string& about, std::string* out) {
  std::string line = "  " + name;
  if (line.size() + 1 > kIndent) {
    *out += line + "\n";
    line.clear();
  }
  line.resize(kIndent, ' ');
  bool fresh = true;
  for (size_t begin = 0; begin < about.size();) {
    const size_t end = std::min(about.find(' ', begin), about.size());
    if (!fresh && line.size() + 1 + (end - begin) > kWidth) {
      *out += line + "\n";
      line.assign(kIndent, ' ');
      fresh = true;
    }
    if (!fresh) line += ' ';
    line.append(about, begin, end - begin);
    fresh = false;
    begin = end + 1;
  }
  *out += line + "\n";
}

}  // namespace

std::string Command::Help() const {
  std::string out = about_ + "\nUsage: " + name_;
  for (const auto& positional : positional_) out += " " + positional->name();
  out += " [OPTIONS]";
  if (!commands_.empty()) out += " SUBCOMMAND";
  out += "\n";
  if (!positional_.empty()) out += "\nArguments:\n";
  for (const auto& positional : positional_) AddEntry(positional->name(), positional->help(), &out);
  out += "\nOptions:\n";
  AddEntry("-h, --help", "print this page", &out);
  for (const auto& option : options_) {
    AddEntry(option->Usage(),
             option->help() + (option->excludes().empty() ? "" : " (not with " + option->excludes() + ")"),
             &out);
  }
  if (!commands_.empty()) out += "\nSubcommands:\n";
  for (const auto& command : commands_)
    AddEntry(command->name_.substr(name_.size() + 1), command->about_, &out);
  if (!footer_.empty()) out += "\n" + footer_ + "\n";
  return out;
}

}  // namespace gatehouse::cli

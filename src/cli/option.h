// One option of a command: what it is called, where its value goes, which values it takes.
//
//   command.Value("--threads", &threads, "threads (default: physical cores)").Between(1, 1024);
//   command.Text("--user", &user, "a user message; may be given more than once");
//
// A value is the argument as it is: nothing is unquoted, split or taken for a list, unless the option says
// so. An option of a vector may be given more than once; any other given twice is an error, as is an empty
// value of anything but text to judge.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "gatehouse/result.h"

namespace gatehouse::cli {

class Option {
 public:
  using Target = std::variant<bool*, std::string*, std::vector<std::string>*, int*, int64_t*, uint64_t*,
                              double*, std::optional<double>*, std::vector<int64_t>*>;
  enum class Kind {
    kFlag,   // takes no value
    kValue,  // a word, a number or a list: UTF-8, not empty
    kPath,   // a file or directory: any bytes, not empty
    kText,   // text to judge: UTF-8, may be empty; whatever argument follows is the value
  };

  Option(Kind kind, std::string name, Target target, std::string help)
      : kind_(kind), name_(std::move(name)), target_(target), help_(std::move(help)) {}

  // Only these words.
  Option& OneOf(std::initializer_list<const char*> words);
  // Only numbers from low to high.
  Option& Between(double low, double high);
  Option& AtLeast(double low);
  // A number of bytes that may carry a unit: 4GB, 512 MiB (both count by 1024).
  Option& Bytes();
  // The value may be @FILE.
  Option& OrFile();
  // One argument may hold several values, between commas.
  Option& SplitAtCommas();
  // Arguments that follow, up to the next option, are values too: --data A B C.
  Option& TakesMany();
  // At least and at most so many values in all.
  Option& Count(int least, int most);
  // Must not be given together with that one.
  Option& Excludes(const char* other);

  // One argument. Errors: kUsage.
  Result<void> Take(const std::string& argument);
  // What can be said when all arguments have been read. Errors: kUsage.
  Result<void> Check() const;

  Kind kind() const { return kind_; }
  const std::string& name() const { return name_; }
  const std::string& excludes() const { return excludes_; }
  bool takes_many() const { return takes_many_; }
  bool given() const { return given_ > 0; }
  // For help: "--threads N", "--dtype bf16|f32".
  std::string Usage() const;
  const std::string& help() const { return help_; }

 private:
  bool repeats() const;
  Result<void> CheckBytes(const std::string& argument) const;
  Result<void> TakeOne(const std::string& value);
  std::string Expected() const;

  Kind kind_;
  std::string name_;
  Target target_;
  std::string help_;
  std::vector<std::string> words_;
  std::optional<double> low_, high_;
  std::string excludes_;
  int least_ = 0, most_ = 0;  // 0: any number
  bool bytes_ = false, or_file_ = false, commas_ = false, takes_many_ = false;
  int given_ = 0;  // arguments
  int values_ = 0;
};

}  // namespace gatehouse::cli

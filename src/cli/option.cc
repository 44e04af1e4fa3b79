#include "cli/option.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <string_view>
#include <type_traits>

#include "base/error.h"
#include "text/utf8.h"

namespace gatehouse::cli {
namespace {

// For messages: quoted, and not longer than a line.
std::string Quoted(const std::string& value) {
  constexpr size_t kMost = 60;
  return value.size() <= kMost ? "\"" + value + "\"" : "\"" + value.substr(0, kMost) + "...\"";
}

// 5 for a whole number, without trailing digits.
std::string NumberText(double value) {
  if (value == std::floor(value) && std::abs(value) < 1e15)
    return std::to_string(static_cast<int64_t>(value));
  std::string out = std::to_string(value);
  while (out.back() == '0') out.pop_back();
  return out;
}

// The whole text is one number, in decimal.
template <typename T>
bool ParseNumber(std::string_view text, T* out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *out);
  return error == std::errc() && end == text.data() + text.size();
}

// 4GB, 512 MiB, 1024: units by 1024, in small letters or capitals.
bool ParseBytes(const std::string& text, uint64_t* out) {
  const size_t digits = text.find_first_not_of("0123456789");
  if (digits == 0 || !ParseNumber(std::string_view(text).substr(0, digits), out)) return false;
  std::string unit = digits == std::string::npos ? "" : text.substr(digits);
  if (!unit.empty() && unit.front() == ' ') unit.erase(0, 1);
  for (char& c : unit) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  size_t power = 0;
  if (!unit.empty() && unit != "B") {
    static constexpr std::string_view kUnits = "KMGTP";
    power = kUnits.find(unit.front()) + 1;  // 0: none of them
    const std::string_view rest = std::string_view(unit).substr(1);
    if (power == 0 || (rest != "" && rest != "B" && rest != "IB")) return false;
  }
  if (*out > UINT64_MAX >> (10 * power)) return false;
  *out <<= 10 * power;
  return true;
}

}  // namespace

Option& Option::OneOf(std::initializer_list<const char*> words) {
  words_.assign(words.begin(), words.end());
  return *this;
}
Option& Option::Between(double low, double high) {
  low_ = low;
  high_ = high;
  return *this;
}
Option& Option::AtLeast(double low) {
  low_ = low;
  return *this;
}
Option& Option::Bytes() {
  bytes_ = true;
  return *this;
}
Option& Option::OrFile() {
  or_file_ = true;
  return *this;
}
Option& Option::SplitAtCommas() {
  commas_ = true;
  return *this;
}
Option& Option::TakesMany() {
  takes_many_ = true;
  return *this;
}
Option& Option::Count(int least, int most) {
  least_ = least;
  most_ = most;
  return *this;
}
Option& Option::Excludes(const char* other) {
  excludes_ = other;
  return *this;
}

bool Option::repeats() const {
  return kind_ == Kind::kFlag || std::holds_alternative<std::vector<std::string>*>(target_) ||
         std::holds_alternative<std::vector<int64_t>*>(target_);
}

// What a value must be, in words.
std::string Option::Expected() const {
  if (!words_.empty()) {
    std::string out = "one of ";
    for (const std::string& word : words_) out += (word == words_.front() ? "" : ", ") + word;
    return out;
  }
  if (kind_ == Kind::kPath) return "a file or directory";
  if (std::holds_alternative<std::string*>(target_) ||
      std::holds_alternative<std::vector<std::string>*>(target_))
    return or_file_ ? "a value, or @FILE" : "a value";
  if (bytes_) return "a number of bytes, such as 512MB or 4GB";
  const bool real =
      std::holds_alternative<double*>(target_) || std::holds_alternative<std::optional<double>*>(target_);
  std::string out = real ? "a number" : "a whole number";
  if (!low_) return out;
  return out + (high_ ? " from " + NumberText(*low_) + " to " + NumberText(*high_)
                      : ", at least " + NumberText(*low_));
}

Result<void> Option::CheckBytes(const std::string& argument) const {
  if (argument.empty() && kind_ != Kind::kText)
    return UsageError("empty value", name_, Expected(),
                      "\"\", which may come from a variable that is not set");
  const bool file = or_file_ && argument.front() == '@';
  if (file && argument.size() == 1) return UsageError("no file", name_, "@FILE", "\"@\"");
  if (kind_ == Kind::kPath || file) return {};
  if (const size_t valid = ValidUtf8Prefix(argument); valid < argument.size())
    return UsageError("not UTF-8", name_, "text in UTF-8",
                      "a byte that is not, behind " + std::to_string(valid) + " that are");
  return {};
}

Result<void> Option::Take(const std::string& argument) {
  if (given_ > 0 && !repeats()) return UsageError("given twice", name_, "one value", "a second one");
  GATEHOUSE_TRY(CheckBytes(argument));
  if (given_ == 0) {  // what stands there is the default
    if (auto* texts = std::get_if<std::vector<std::string>*>(&target_)) (*texts)->clear();
    if (auto* numbers = std::get_if<std::vector<int64_t>*>(&target_)) (*numbers)->clear();
  }
  ++given_;
  if (!commas_) return TakeOne(argument);
  for (size_t begin = 0; begin <= argument.size();) {
    const size_t end = std::min(argument.find(',', begin), argument.size());
    if (begin == end) return UsageError("empty value", name_, "values between commas", Quoted(argument));
    GATEHOUSE_TRY(TakeOne(argument.substr(begin, end - begin)));
    begin = end + 1;
  }
  return {};
}

Result<void> Option::TakeOne(const std::string& value) {
  ++values_;
  const Error bad = UsageError("bad value", name_, Expected(), Quoted(value));
  if (!words_.empty() && std::find(words_.begin(), words_.end(), value) == words_.end()) return bad;
  const auto within = [&](auto number) {
    const auto real = static_cast<double>(number);
    return (!low_ || real >= *low_) && (!high_ || real <= *high_);  // false for what is no number
  };
  const auto take = [&](auto* to) -> Result<void> {
    const bool parsed = [&] {
      if constexpr (std::is_same_v<decltype(to), uint64_t*>)
        return bytes_ ? ParseBytes(value, to) : ParseNumber(value, to);
      else
        return ParseNumber(value, to);
    }();
    if (!parsed || !within(*to)) return bad;
    return {};
  };
  if (auto* text = std::get_if<std::string*>(&target_)) {
    **text = value;
    return {};
  }
  if (auto* texts = std::get_if<std::vector<std::string>*>(&target_)) {
    (*texts)->push_back(value);
    return {};
  }
  if (auto* number = std::get_if<int*>(&target_)) return take(*number);
  if (auto* number = std::get_if<int64_t*>(&target_)) return take(*number);
  if (auto* number = std::get_if<uint64_t*>(&target_)) return take(*number);
  if (auto* number = std::get_if<double*>(&target_)) return take(*number);
  if (auto* numbers = std::get_if<std::vector<int64_t>*>(&target_)) return take(&(*numbers)->emplace_back());
  if (auto* number = std::get_if<std::optional<double>*>(&target_)) return take(&(*number)->emplace());
  **std::get_if<bool*>(&target_) = true;
  return {};
}

Result<void> Option::Check() const {
  if (given_ > 0 && (values_ < least_ || (most_ > 0 && values_ > most_))) {
    return UsageError("wrong number of values", name_,
                      std::to_string(least_) + " to " + std::to_string(most_), std::to_string(values_));
  }
  return {};
}

std::string Option::Usage() const {
  if (kind_ == Kind::kFlag) return name_;
  std::string value;
  for (const std::string& word : words_) value += (value.empty() ? "" : "|") + word;
  if (value.empty()) {
    const bool word = std::holds_alternative<std::string*>(target_) ||
                      std::holds_alternative<std::vector<std::string>*>(target_);
    value = kind_ == Kind::kPath   ? "PATH"
            : kind_ == Kind::kText ? "TEXT"
            : word                 ? "VALUE"
            : bytes_               ? "BYTES"
                                   : "N";
  }
  return name_ + " " + value + (repeats() ? " ..." : "");
}

}  // namespace gatehouse::cli

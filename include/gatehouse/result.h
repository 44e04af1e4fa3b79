// Result<T>: a value or an Error, returned across every boundary of the library.
//
// Use it instead of exceptions: nothing in Gatehouse throws to its caller, prints or aborts.
//
//   Result<Image> image = DecodeImage(bytes, options);
//   if (!image.ok()) return image.error();
//   Use(image.value());
//
// Inside the library GATEHOUSE_TRY and GATEHOUSE_ASSIGN shorten that.
#pragma once

#include <string>
#include <utility>
#include <variant>

namespace gatehouse {

// What kind of thing went wrong; the command line maps these to its exit codes.
enum class ErrorCode {
  kInternal = 1,   // a bug of ours or a failure of the system (out of memory, disk full)
  kUsage = 2,      // a call or a flag that makes no sense
  kBadInput = 3,   // a conversation, an image or another request that cannot be served
  kModel = 4,      // a model, tokenizer or policy that could not be loaded
  kBusy = 5,       // too many requests at once: Error::retry_after says when to come again
  kLate = 6,       // the deadline passed
  kCancelled = 7,  // the one who asked no longer wants the answer
};

// An error says what failed, in which file or field, what was expected there and what was found.
// Empty parts are left out of the message.
struct Error {
  ErrorCode code = ErrorCode::kInternal;
  std::string what;
  std::string where;
  std::string expected;
  std::string found;
  double retry_after = 0;  // seconds, of kBusy

  // "<what> in <where>: expected <expected>, found <found>"
  std::string Message() const;
};

template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

  bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }
  // value() may be called only when ok(), error() only when not.
  T& value() & { return *std::get_if<0>(&state_); }
  const T& value() const& { return *std::get_if<0>(&state_); }
  T&& value() && { return std::move(*std::get_if<0>(&state_)); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }
  const Error& error() const { return *std::get_if<1>(&state_); }

 private:
  std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::move(error)), ok_(false) {}
  bool ok() const { return ok_; }
  explicit operator bool() const { return ok_; }
  const Error& error() const { return error_; }

 private:
  Error error_;
  bool ok_ = true;
};

}  // namespace gatehouse

#define GATEHOUSE_CONCAT2(a, b) a##b
#define GATEHOUSE_CONCAT(a, b) GATEHOUSE_CONCAT2(a, b)

// Returns the error of a Result expression, if it has one.
#define GATEHOUSE_TRY(expression)                                  \
  do {                                                             \
    auto&& gatehouse_result_ = (expression);                       \
    if (!gatehouse_result_.ok()) return gatehouse_result_.error(); \
  } while (false)

// GATEHOUSE_ASSIGN(auto value, Call()): declares value, or returns the error of Call().
#define GATEHOUSE_ASSIGN(declaration, expression)                    \
  auto GATEHOUSE_CONCAT(gatehouse_result_, __LINE__) = (expression); \
  if (!GATEHOUSE_CONCAT(gatehouse_result_, __LINE__).ok())           \
    return GATEHOUSE_CONCAT(gatehouse_result_, __LINE__).error();    \
  declaration = std::move(GATEHOUSE_CONCAT(gatehouse_result_, __LINE__)).value()

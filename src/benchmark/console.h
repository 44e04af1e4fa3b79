// Where a benchmark says what it found and who says when a round begins. Only the command line prints and
// reads; it hands its own ways out and in to what runs below it.
//
//   GATEHOUSE_TRY(console.Print("{:.1f} tokens/s\n", rate));
#pragma once

#include <fmt/core.h>

#include <functional>
#include <string_view>
#include <utility>

#include "gatehouse/result.h"

namespace gatehouse::benchmark {

struct Console {
  std::function<Result<void>(std::string_view)> print;
  // Waits for a line; false: there are no more. Paced benchmarks alone ask.
  std::function<Result<bool>()> next_line;

  template <typename... T>
  Result<void> Print(fmt::format_string<T...> format, T&&... values) const {
    return print(fmt::format(format, std::forward<T>(values)...));
  }
};

}  // namespace gatehouse::benchmark

// `gatehouse bench streams`: what it costs to judge answers while they grow, against one check at their ends.
#pragma once

#include <vector>

#include "benchmark/bench_guard.h"
#include "benchmark/console.h"
#include "gatehouse/result.h"

namespace gatehouse::benchmark {

struct BenchStreamsOptions {
  BenchGuardOptions subject;                 // tokens: of an answer
  std::vector<int64_t> check_tokens = {32};  // a check each time the answer grew by so many
  int streams = 1;                           // at once
  int rounds = 3;
  bool json = false;
};

// Alternately: answers that are judged once they are whole, and answers that grow. Behind a message that was
// judged before, as a filter has it. For each of check_tokens: rows and time against one check at the end,
// and tokens computed against the least: those of the answer, and at each check those behind it.
Result<void> BenchStreams(const BenchStreamsOptions& options, const Console& console);

}  // namespace gatehouse::benchmark

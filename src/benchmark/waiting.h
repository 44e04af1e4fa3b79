// `gatehouse bench waiting`: what it costs that many requests wait.
#pragma once

#include "benchmark/bench_guard.h"
#include "benchmark/console.h"
#include "gatehouse/result.h"

namespace gatehouse::benchmark {

struct BenchWaitingOptions {
  BenchGuardOptions subject;
  int few = 16;
  int many = 512;
  int requests = 400;  // finished in each measurement, once so many wait
  int rounds = 3;
  bool json = false;
};

// Alternately, with few and with many requests waiting all the time: finished ones a second, and processor
// time for each.
Result<void> BenchWaiting(const BenchWaitingOptions& options, const Console& console);

}  // namespace gatehouse::benchmark

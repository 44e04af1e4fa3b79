// `gatehouse bench mixed`: how long short requests take beside a long one.
#pragma once

#include "benchmark/bench_guard.h"
#include "benchmark/console.h"
#include "gatehouse/result.h"

namespace gatehouse::benchmark {

struct BenchMixedOptions {
  BenchGuardOptions subject;  // tokens: of the short messages
  int rounds = 200;           // short requests measured, alone and beside long ones
  int long_tokens = 1500;     // of the long messages
  bool json = false;
};

// Short warm requests alone, and while another client sends long messages that nobody has seen, one after the
// other: the 99th percentile of both. Errors: as BenchGuard::Load and Guard::Classify.
Result<void> BenchMixed(const BenchMixedOptions& options, const Console& console);

}  // namespace gatehouse::benchmark

// `gatehouse bench request` and `bench batch`: how long a model takes for a request, alone and among many.
#pragma once

#include "benchmark/bench_guard.h"
#include "benchmark/console.h"
#include "gatehouse/result.h"

namespace gatehouse::benchmark {

struct BenchRequestOptions {
  BenchGuardOptions subject;
  int rounds = 20;
  int clients = 64;    // batch: threads that ask at once
  bool paced = false;  // request: wait for a line of standard input before each round
  bool json = false;
};

// A cold request, then warm ones of other messages: policy cached, verdict and all category scores. Gop/s are
// those of the layers' products for all tokens computed, the scoring ones too; attention and head are not
// counted.
Result<void> BenchRequest(const BenchRequestOptions& options, const Console& console);
// Each round: a prompt of 256 tokens with nothing cached, four requests one after the other, and one of each
// client at once, policy cached; tokens a second of each. `rows` are all tokens computed, the scoring ones
// too.
Result<void> BenchBatch(const BenchRequestOptions& options, const Console& console);

}  // namespace gatehouse::benchmark

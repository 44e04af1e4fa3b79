// `gatehouse bench request` and `bench batch`: how long a real model takes for a request, alone and among
// many.
#pragma once

#include <string>

#include "gatehouse/guard.h"
#include "gatehouse/result.h"

namespace gatehouse::cli {

struct BenchRequestOptions {
  GuardOptions guard;
  int words = 30;  // of the user's message, about as many tokens
  int rounds = 20;
  int clients = 64;  // batch: threads that ask at once
  bool json = false;
};

// A cold request, then warm ones of other messages: policy cached, verdict and all category scores.
Result<void> BenchRequest(const BenchRequestOptions& options);
// Tokens a second of many clients' requests, policy cached, against one client's.
Result<void> BenchBatch(const BenchRequestOptions& options);

}  // namespace gatehouse::cli

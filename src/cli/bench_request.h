// `gatehouse bench request`, `bench batch` and `bench mixed`: how long a real model takes for a request,
// alone, among many, and beside a long one.
#pragma once

#include <string>

#include "gatehouse/guard.h"
#include "gatehouse/result.h"

namespace gatehouse::cli {

struct BenchRequestOptions {
  GuardOptions guard;
  int words = 30;  // of the user's message, about as many tokens
  int rounds = 20;
  int clients = 64;       // batch: threads that ask at once
  int long_words = 3000;  // mixed: of the long messages
  bool json = false;
};

// A cold request, then warm ones of other messages: policy cached, verdict and all category scores.
Result<void> BenchRequest(const BenchRequestOptions& options);
// Tokens a second of many clients' requests, policy cached, against one client's and against reading 256
// tokens of plain text.
Result<void> BenchBatch(const BenchRequestOptions& options);

// How long short warm requests take alone, and while another client sends long messages that nobody has seen,
// one after the other.
Result<void> BenchMixed(const BenchRequestOptions& options);

}  // namespace gatehouse::cli

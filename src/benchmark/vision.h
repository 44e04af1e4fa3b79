// `gatehouse bench vision`: how fast Llama Guard 4's image tower, with random weights, encodes tiles, as a
// share of the machine's peak.
#pragma once

#include <optional>
#include <string>

#include "backend/weight_view.h"
#include "benchmark/console.h"
#include "gatehouse/result.h"

namespace gatehouse::benchmark {

struct BenchVisionOptions {
  int layers = 34;
  int tiles = 5;
  int rounds = 5;
  std::string device = "cpu";
  int threads = 0;
  std::optional<QuantFormat> quant;  // of the layers' products; none: BF16 weights
  bool json = false;
};

// Prints a table (or one JSON object) to stdout.
Result<void> BenchVision(const BenchVisionOptions& options, const Console& console);

}  // namespace gatehouse::benchmark

// `gatehouse bench prefill`: how fast a model, or random weights of a named shape, reads a prompt, as a share
// of the machine's peak.
#pragma once

#include <optional>
#include <string>

#include "backend/weight_view.h"
#include "benchmark/console.h"
#include "gatehouse/result.h"

namespace gatehouse::benchmark {

struct BenchPrefillOptions {
  std::string model;                    // a directory or a .gguf file; empty: the shape
  std::string shape = "llama-guard-4";  // or "smollm2-135m"
  int layers = 0;                       // 0: as the shape has
  int tokens = 256;
  int rounds = 5;
  std::string device = "cpu";
  int threads = 0;
  bool f32 = false;
  std::optional<QuantFormat> quant;  // of the shape; none: BF16 weights
  bool paced = false;                // wait for a line of standard input before each round
  bool json = false;
};

// Prints a table (or one JSON object) to stdout.
Result<void> BenchPrefill(const BenchPrefillOptions& options, const Console& console);

}  // namespace gatehouse::benchmark

// `gatehouse bench kernels`: what share of the machine's limit each product of matrices reaches.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "benchmark/console.h"
#include "gatehouse/result.h"

namespace gatehouse::benchmark {

struct BenchKernelsOptions {
  std::vector<std::string> kernels = {"f32", "bf16", "q8", "q4"};
  std::vector<int64_t> rows = {1, 4, 8, 64, 256};                                            // M
  std::vector<std::string> products = {"5120x5120", "1024x5120", "8192x5120", "5120x8192"};  // N x K
  int rounds = 5;
  int threads = 0;  // 0: one for each core that this process may use
  bool json = false;
};

// A line of a table (or a JSON object) for each kernel, product and M. A round measures the limits and then
// the product; shares are medians over rounds. The limit for many rows is the table's own multiply-add in a
// register-only loop (`peak`, Gop/s); for M <= 8 the smaller of that and what a plain read of the weights,
// which are passed over in more memory than caches hold, would allow. Rounding of X is no part of a product.
// Errors: kUsage: a product that is not NxK with N a multiple of 32, GATEHOUSE_ISA.
Result<void> BenchKernels(const BenchKernelsOptions& options, const Console& console);

}  // namespace gatehouse::benchmark

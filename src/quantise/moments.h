// InputMoments: what a calibration pass remembers of the inputs of one product (or of several that share an
// input): their second moments, and a sample of the rows themselves.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace gatehouse {

struct InputMoments {
  int64_t cols = 0;            // K
  int64_t rows = 0;            // seen
  std::vector<float> second;   // [K, K]: the sum over rows of weight * x^T x
  std::vector<float> samples;  // [sample_rows, K]: every few rows, as they were
  int64_t sample_rows = 0;
  float usual_square = 0;  // mean square of a usual row: rows far above it count less

  // Bytes that second moments of K inputs take.
  static int64_t Bytes(int64_t cols) { return cols * cols * 4; }
  static constexpr int64_t kSampleRows = 192;
};

// By the name of the first product that reads the input (TensorSpec::input).
using MomentsMap = std::map<std::string, InputMoments, std::less<>>;

}  // namespace gatehouse

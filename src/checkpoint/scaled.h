// Weights of 8 bits with scales beside them, as compressed-tensors and FBGEMM write them: value * scale.
#pragma once

#include <cstdint>

#include "tensor/tensor.h"

namespace gatehouse {

// Which scale a value has: factors.data[(first + row / block_rows) * stride + col / block_cols]; one for all
// where stride is 0. `factors` is F32, BF16 or F16, and the product is rounded to that type, as the libraries
// that write such files do when they widen them.
struct WeightScale {
  TensorView factors;
  int64_t first = 0;
  int64_t stride = 0;
  int64_t block_rows = 1;
  int64_t block_cols = 1;
};

// rows first_row .. of `values` [count][cols], widened but not scaled yet, in place.
void ScaleRows(const WeightScale& scale, int64_t first_row, int64_t count, int64_t cols, float* values);

// ToFloat, and I8 too.
void WidenScaled(const TensorView& tensor, int64_t first, int64_t count, float* out);

}  // namespace gatehouse

// WeightView: one weight matrix or vector as a checkpoint holds it, before a backend takes it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

#include "kernels/quant/quant.h"
#include "tensor/tensor.h"

namespace gatehouse {

// Rows are outputs (N), columns inputs (K). The data usually lie in a mapped file that `owner` keeps alive.
struct WeightView {
  int64_t rows = 0;   // N
  int64_t cols = 0;   // K (1 row of K values for vectors)
  TensorView tensor;  // row-major [N, K]; with `packed`, the stored layout uint16 [N/32][K/2][32][2]
  bool packed = false;
  // Rounded to 8 or 4 bits (kernels/quant/quant.h): tensor holds the panels' values, scales f32
  // [N/32][K/128][32].
  std::optional<QuantFormat> quant = {};
  bool turned = false;  // rounded weights that meet turned inputs (VectorKernel::turn)
  TensorView scales = {};
  // Where set, the rows are not simply the tensor's (a permutation, a merged adapter): this writes rows
  // first .. first+count as float32 [count][K].
  std::function<void(int64_t first, int64_t count, float* out)> read_rows;
  std::shared_ptr<const void> owner;

  // Rows as float32 [count][K], whatever the storage (not for packed and rounded weights).
  void ReadRows(int64_t first, int64_t count, float* out) const {
    if (read_rows) {
      read_rows(first, count, out);
    } else {
      ToFloat(tensor, first * cols, count * cols, out);
    }
  }
};

}  // namespace gatehouse

// WeightView: one weight matrix or vector as a checkpoint holds it, before a backend takes it.
//
//   WeightView view{.rows = n, .cols = k, .storage = PlainRows{tensor}, .owner = file};
//   view.ReadRows(0, n, values.data());                       // whatever the storage
//   if (const auto* packed = view.As<PackedPanels>()) ...     // a backend that knows the form
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <variant>

#include "tensor/quant_format.h"
#include "tensor/tensor.h"

namespace gatehouse {

// Rows where they lie: row-major [N, K], any type that ToFloat widens.
struct PlainRows {
  TensorView tensor;
};

// Rows that are not simply a tensor's (a permutation, a merged adapter, scales): `read` writes rows first ..
// first+count as float32 [count][K].
struct ComputedRows {
  std::function<void(int64_t first, int64_t count, float* out)> read;
  TensorView source;  // the bytes behind them, for who gives pages back; may be empty
};

// The stored layout of converted models: BF16 [N/32][K/2][32][2], missing rows and columns zero.
struct PackedPanels {
  TensorView tensor;
};

// Rounded to 8 or 4 bits, in panels of 32 rows and groups of 128 along K (kernels/quant/quant.h).
struct RoundedPanels {
  QuantFormat format = QuantFormat::kQ8;
  bool transformed = false;  // they meet transformed inputs (VectorKernel::hadamard)
  TensorView tensor;         // the panels' values
  TensorView scales;         // f32 [N/32][K/128][32]
};

// Rows are outputs (N), columns inputs (K). The data usually lie in a mapped file that `owner` keeps alive.
struct WeightView {
  int64_t rows = 0;  // N
  int64_t cols = 0;  // K (1 row of K values for vectors)
  std::variant<PlainRows, ComputedRows, PackedPanels, RoundedPanels> storage = PlainRows{};
  std::shared_ptr<const void> owner = {};

  template <typename Storage>
  const Storage* As() const {
    return std::get_if<Storage>(&storage);
  }
  // The bytes in which the weight, or what it is computed from, lies.
  const TensorView& tensor() const;
  // Rows first .. first+count as float32 [count][K]. The one reader of each stored form. Slow for panels.
  void ReadRows(int64_t first, int64_t count, float* out) const;
};

// A panel of 32 rows of transformed weights [K][32], as they were before (checkpoint/pack.h transforms them).
void TransformPanelBack(int64_t k, float* panel);

}  // namespace gatehouse

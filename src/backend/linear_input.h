// LinearInput: the input of a product: a matrix, or a row-wise function of one, which then never goes to
// memory in full precision. A Mat converts to an input by itself.
//
//   backend.Linear(LinearInput::RmsNorm(x, norm, eps), {{weight, nullptr, y}});
#pragma once

#include <cstdint>

#include "backend/matrix.h"

namespace gatehouse {

struct LinearInput {
  enum class Kind { kPlain, kRmsNorm, kLayerNorm, kSwiGlu, kGelu };

  LinearInput(Mat x_in) : x(x_in) {}  // NOLINT(google-explicit-constructor)
  // weight null: all ones.
  static LinearInput RmsNorm(Mat x, const DeviceWeight* weight, float eps) {
    return {Kind::kRmsNorm, x, {}, weight, nullptr, eps};
  }
  static LinearInput LayerNorm(Mat x, const DeviceWeight& weight, const DeviceWeight& bias, float eps) {
    return {Kind::kLayerNorm, x, {}, &weight, &bias, eps};
  }
  // silu(gate) * up
  static LinearInput SwiGlu(Mat gate, Mat up) { return {Kind::kSwiGlu, gate, up, nullptr, nullptr, 0.0f}; }
  static LinearInput Gelu(Mat x) { return {Kind::kGelu, x, {}, nullptr, nullptr, 0.0f}; }

  int64_t rows() const { return x.rows; }
  int64_t cols() const { return x.cols; }

  Kind kind = Kind::kPlain;
  Mat x;   // [rows, cols]
  Mat up;  // [rows, cols], of kSwiGlu
  const DeviceWeight* weight = nullptr;
  const DeviceWeight* bias = nullptr;
  float eps = 0.0f;

 private:
  LinearInput(Kind kind_in, Mat x_in, Mat up_in, const DeviceWeight* weight_in, const DeviceWeight* bias_in,
              float eps_in)
      : kind(kind_in), x(x_in), up(up_in), weight(weight_in), bias(bias_in), eps(eps_in) {}
};

}  // namespace gatehouse

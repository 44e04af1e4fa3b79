// The backend's operations in plain double-precision loops over host memory: what every backend's answers are
// compared with, and what the guarded backend computes. Nothing of src/backend's own arithmetic is used.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "backend/backend.h"

namespace gatehouse::test {

// Row-major [rows, cols].
struct Matrix {
  int64_t rows = 0;
  int64_t cols = 0;
  std::vector<float> values;

  Matrix() = default;
  Matrix(int64_t r, int64_t c) : rows(r), cols(c), values(static_cast<size_t>(r * c)) {}
  float& at(int64_t row, int64_t col) { return values[static_cast<size_t>(row * cols + col)]; }
  float at(int64_t row, int64_t col) const { return values[static_cast<size_t>(row * cols + col)]; }
};

// All rows of a weight.
Matrix RowsOf(const WeightView& view);

// The row-wise functions of LinearInput. weight, bias: [cols], may be null for RmsNorm.
void RmsNorm(std::span<float> row, const float* weight, float eps);
void LayerNorm(std::span<float> row, const float* weight, const float* bias, float eps);
void SwiGlu(std::span<float> gate, std::span<const float> up);
void Gelu(std::span<float> row);

// x w^T + bias (which may be null), bias [w.rows].
Matrix Product(const Matrix& x, const Matrix& w, const float* bias);

// One head rotated to a position's angles, cos and sin [head.size() / 2].
void Rotate(std::span<float> head, const float* cos, const float* sin, bool interleaved);

// For each row the experts of its highest scores, the first of equal ones, in the experts' order.
std::vector<std::vector<int32_t>> Route(const Matrix& scores, int per_token);

// The slots that a row of a layout sees, in order.
std::vector<int32_t> VisibleSlots(const AttentionLayout& layout, size_t row, bool chunked);

// One head's attention: softmax(scale q k^T) v over keys and values that key(i) and value(i) give.
void Attend(std::span<const float> q, int64_t keys, const std::function<const float*(int64_t)>& key,
            const std::function<const float*(int64_t)>& value, float scale, std::span<float> out);

}  // namespace gatehouse::test

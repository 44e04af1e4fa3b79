#include "backend/reference_ops.h"

#include <algorithm>
#include <cmath>
#include <set>

namespace gatehouse::test {

Matrix RowsOf(const WeightView& view) {
  Matrix out(view.rows, view.cols);
  view.ReadRows(0, view.rows, out.values.data());
  return out;
}

void RmsNorm(std::span<float> row, const float* weight, float eps) {
  double squares = 0;
  for (const float value : row) squares += static_cast<double>(value) * static_cast<double>(value);
  const double factor = 1.0 / std::sqrt(squares / static_cast<double>(row.size()) + static_cast<double>(eps));
  for (size_t i = 0; i < row.size(); ++i) {
    const double by = weight == nullptr ? 1.0 : static_cast<double>(weight[i]);
    row[i] = static_cast<float>(static_cast<double>(row[i]) * factor * by);
  }
}

void LayerNorm(std::span<float> row, const float* weight, const float* bias, float eps) {
  double sum = 0, squares = 0;
  for (const float value : row) sum += static_cast<double>(value);
  const double mean = sum / static_cast<double>(row.size());
  for (const float value : row)
    squares += (static_cast<double>(value) - mean) * (static_cast<double>(value) - mean);
  const double factor = 1.0 / std::sqrt(squares / static_cast<double>(row.size()) + static_cast<double>(eps));
  for (size_t i = 0; i < row.size(); ++i) {
    row[i] =
        static_cast<float>((static_cast<double>(row[i]) - mean) * factor * static_cast<double>(weight[i]) +
                           static_cast<double>(bias[i]));
  }
}

void SwiGlu(std::span<float> gate, std::span<const float> up) {
  for (size_t i = 0; i < gate.size(); ++i) {
    const auto x = static_cast<double>(gate[i]);
    gate[i] = static_cast<float>(x / (1.0 + std::exp(-x)) * static_cast<double>(up[i]));
  }
}

void Gelu(std::span<float> row) {
  for (float& value : row) {
    const auto x = static_cast<double>(value);
    value = static_cast<float>(0.5 * x * (1.0 + std::erf(x / std::sqrt(2.0))));
  }
}

Matrix Product(const Matrix& x, const Matrix& w, const float* bias) {
  Matrix out(x.rows, w.rows);
  for (int64_t row = 0; row < x.rows; ++row) {
    const float* from = x.values.data() + row * x.cols;
    for (int64_t n = 0; n < w.rows; ++n) {
      const float* weight = w.values.data() + n * w.cols;
      double sum = bias == nullptr ? 0.0 : static_cast<double>(bias[n]);
      for (int64_t k = 0; k < x.cols; ++k)
        sum += static_cast<double>(from[k]) * static_cast<double>(weight[k]);
      out.at(row, n) = static_cast<float>(sum);
    }
  }
  return out;
}

void Rotate(std::span<float> head, const float* cos, const float* sin, bool interleaved) {
  const size_t half = head.size() / 2;
  for (size_t i = 0; i < half; ++i) {
    float& first = head[interleaved ? 2 * i : i];
    float& second = head[interleaved ? 2 * i + 1 : i + half];
    const auto a = static_cast<double>(first), b = static_cast<double>(second);
    const auto c = static_cast<double>(cos[i]), s = static_cast<double>(sin[i]);
    first = static_cast<float>(a * c - b * s);
    second = static_cast<float>(a * s + b * c);
  }
}

std::vector<std::vector<int32_t>> Route(const Matrix& scores, int per_token) {
  std::vector<std::vector<int32_t>> out;
  for (int64_t row = 0; row < scores.rows; ++row) {
    std::vector<int32_t> order;
    for (int32_t e = 0; e < scores.cols; ++e) order.push_back(e);
    std::stable_sort(order.begin(), order.end(),
                     [&](int32_t a, int32_t b) { return scores.at(row, a) > scores.at(row, b); });
    order.resize(static_cast<size_t>(per_token));
    std::sort(order.begin(), order.end());
    out.push_back(order);
  }
  return out;
}

std::vector<int32_t> VisibleSlots(const AttentionLayout& layout, size_t row, bool chunked) {
  const AttentionLayout::Row& at = layout.rows[row];
  std::set<int32_t> slots;
  for (int32_t slot = chunked ? at.begin_chunked : at.begin; slot < at.end; ++slot) slots.insert(slot);
  for (int32_t i = 0; i < at.extra_count; ++i) {
    const auto extra = static_cast<size_t>(at.extra_first + i);
    if (!chunked || layout.extra_positions[extra] >= at.begin_chunked)
      slots.insert(layout.extra_slots[extra]);
  }
  return {slots.begin(), slots.end()};
}

void Attend(std::span<const float> q, int64_t keys, const std::function<const float*(int64_t)>& key,
            const std::function<const float*(int64_t)>& value, float scale, std::span<float> out) {
  std::vector<double> scores;
  for (int64_t i = 0; i < keys; ++i) {
    double dot = 0;
    for (size_t d = 0; d < q.size(); ++d) dot += static_cast<double>(q[d]) * static_cast<double>(key(i)[d]);
    scores.push_back(dot * static_cast<double>(scale));
  }
  const double most = *std::max_element(scores.begin(), scores.end());
  double total = 0;
  for (double& score : scores) total += score = std::exp(score - most);
  std::vector<double> sums(q.size(), 0.0);
  for (int64_t i = 0; i < keys; ++i) {
    for (size_t d = 0; d < q.size(); ++d)
      sums[d] += scores[static_cast<size_t>(i)] / total * static_cast<double>(value(i)[d]);
  }
  for (size_t d = 0; d < q.size(); ++d) out[d] = static_cast<float>(sums[d]);
}

}  // namespace gatehouse::test

// Experts: which rows each of them takes, then its network over those rows alone.
#include <cmath>
#include <cstring>

#include "backend/cpu_internal.h"

namespace gatehouse::cpu {
namespace {

// The rows that one expert takes, and by what each is multiplied.
struct Share {
  std::vector<int32_t> rows;
  std::vector<float> scales;
};

// scores [rows, experts]: the best `per_token` of each row, the first of equal ones. They are used up.
std::vector<Share> RouteRows(Mat scores, int per_token) {
  std::vector<Share> out(static_cast<size_t>(scores.cols));
  for (int32_t row = 0; row < scores.rows; ++row) {
    float* of_row = RowOf(scores, row);
    for (int pick = 0; pick < per_token; ++pick) {
      int64_t best = 0;
      for (int64_t e = 1; e < scores.cols; ++e) best = of_row[e] > of_row[best] ? e : best;
      Share& share = out[static_cast<size_t>(best)];
      share.rows.push_back(row);
      share.scales.push_back(1.0f / (1.0f + std::exp(-of_row[best])));
      of_row[best] = -INFINITY;
    }
  }
  return out;
}

}  // namespace

void RunExperts(const LinearContext& context, ExpertMemory& memory, Mat scores, int per_token, Mat x,
                std::span<const ExpertWeights> experts, Mat out) {
  const std::vector<Share> shares = RouteRows(scores, per_token);
  for (size_t e = 0; e < experts.size(); ++e) {
    const Share& share = shares[e];
    const auto count = static_cast<int64_t>(share.rows.size());
    if (count == 0) continue;
    const ExpertWeights& expert = experts[e];
    const Mat input = memory.in.Get(count, x.cols);
    for (int64_t i = 0; i < count; ++i) {
      const auto at = static_cast<size_t>(i);
      context.vector->scale(RowOf(x, share.rows[at]), share.scales[at], x.cols, RowOf(input, i));
    }
    const Mat gate = memory.gate.Get(count, expert.gate->rows);
    const Mat up = memory.up.Get(count, gate.cols);
    RunLinear(context, input, {{expert.gate, nullptr, gate}, {expert.up, nullptr, up}});
    const Mat result = memory.out.Get(count, out.cols);
    RunLinear(context, LinearInput::SwiGlu(gate, up), {{expert.down, nullptr, result}});
    for (int64_t i = 0; i < count; ++i)
      context.vector->add(RowOf(out, share.rows[static_cast<size_t>(i)]), RowOf(result, i), out.cols);
  }
}

}  // namespace gatehouse::cpu

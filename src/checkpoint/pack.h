// Packing of weights into the stored layout of converted models: BF16 [ceil(N / 32)][ceil(K / 2)][32][2],
// missing rows and columns zero. Exact for BF16 sources; others round to nearest even.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "backend/weight_view.h"
#include "base/thread_pool.h"
#include "checkpoint/recipe.h"
#include "gatehouse/result.h"
#include "kernels/quant/quant.h"
#include "tensor/tensor.h"

namespace gatehouse {

constexpr int64_t kPackedRows = 32;

inline Shape PackedShape(int64_t rows, int64_t cols) {
  return {(rows + kPackedRows - 1) / kPackedRows, (cols + 1) / 2, kPackedRows, 2};
}

// One panel: rows first_row .. first_row + 32 of the weight, those beyond its end zero. out: uint16 [ceil(K /
// 2)][32][2].
void PackPanel(const WeightView& weight, int64_t first_row, std::vector<float>* scratch, uint16_t* out);

// Values and scales of rounded panels, as tensors of a file.
inline Shape QuantShape(QuantFormat format, int64_t rows, int64_t cols) {
  const int64_t per_word = format == QuantFormat::kQ8 ? 4 : 8;
  return {(rows + kPackedRows - 1) / kPackedRows, QuantPaddedK(cols) / per_word, kPackedRows, 4};
}
inline Shape QuantScalesShape(int64_t rows, int64_t cols) {
  return {(rows + kPackedRows - 1) / kPackedRows, QuantGroups(cols), kPackedRows};
}

// Where packed or plain bytes go, in order.
using ByteSink = std::function<Result<void>(std::span<const std::byte>)>;

// Streams a weight in blocks of rows: a few megabytes at a time, whatever its size. Where the weight has an
// owner, that is a mapped file: pages that are done with are given back.
Result<void> StreamPacked(const WeightView& weight, ThreadPool& pool, const ByteSink& sink);
// A row of weights as it meets transformed inputs, in place: transformed (kernels/vector/vector.h) and
// divided by the blocks' sizes, so that the product is that of both as they were.
void TransformWeights(int64_t cols, float* row);
// Rounds a weight, transformed or not, panel by panel; the values go to the sink, the scales
// (QuantScalesShape) to `scales`. name: for errors. round: in place of PackQuantPanel, where set. Errors:
// kModel: a weight that is not finite.
Result<void> StreamQuant(const WeightView& weight, QuantFormat format, bool transformed,
                         const std::string& name, ThreadPool& pool, const ByteSink& sink,
                         std::vector<float>* scales, const PanelRounder& round = {});
// Row-major BF16, or F32.
Result<void> StreamRows(const WeightView& weight, DType dtype, const ByteSink& sink);

}  // namespace gatehouse

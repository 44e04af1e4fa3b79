#include "backend/weight_view.h"

#include <algorithm>
#include <vector>

#include "kernels/quant/quant.h"
#include "kernels/vector/vector.h"

namespace gatehouse {
namespace {

// Panel by panel: each is widened once for its rows.
void ReadRounded(const RoundedPanels& weight, int64_t cols, int64_t first, int64_t count, float* out) {
  std::vector<float> wide(static_cast<size_t>(QuantPaddedK(cols) * kPanel));
  for (int64_t row = first; row < first + count;) {
    const int64_t panel = row / kPanel;
    const auto* values =
        reinterpret_cast<const uint8_t*>(weight.tensor.data) + panel * QuantPanelBytes(weight.format, cols);
    const auto* scales =
        reinterpret_cast<const float*>(weight.scales.data) + panel * QuantGroups(cols) * kPanel;
    WidenQuantPanel(weight.format, {values, scales}, cols, wide.data());
    if (weight.transformed) TransformPanelBack(cols, wide.data());
    for (const int64_t end = std::min(first + count, (panel + 1) * kPanel); row < end; ++row) {
      float* to = out + (row - first) * cols;
      // [K][32]: a row of the weight is a column of the panel.
      for (int64_t k = 0; k < cols; ++k) to[k] = wide[static_cast<size_t>(k * kPanel + row % kPanel)];
    }
  }
}

void ReadPacked(const PackedPanels& weight, int64_t cols, int64_t first, int64_t count, float* out) {
  const auto* bits = reinterpret_cast<const uint16_t*>(weight.tensor.data);
  const int64_t pairs = (cols + 1) / 2;
  for (int64_t row = first; row < first + count; ++row) {
    // [N/32][K/2][32][2]: pairs of inputs lie together, so steps of 64 from one pair to the next.
    const uint16_t* of_row = bits + (row / kPanel * pairs * kPanel + row % kPanel) * 2;
    float* to = out + (row - first) * cols;
    for (int64_t k = 0; k < cols; ++k) to[k] = Bf16ToFloat(of_row[k / 2 * kPanel * 2 + k % 2]);
  }
}

}  // namespace

const TensorView& WeightView::tensor() const {
  if (const auto* computed = As<ComputedRows>()) return computed->source;
  if (const auto* packed = As<PackedPanels>()) return packed->tensor;
  if (const auto* rounded = As<RoundedPanels>()) return rounded->tensor;
  return As<PlainRows>()->tensor;
}

void WeightView::ReadRows(int64_t first, int64_t count, float* out) const {
  if (const auto* computed = As<ComputedRows>()) {
    computed->read(first, count, out);
  } else if (const auto* packed = As<PackedPanels>()) {
    ReadPacked(*packed, cols, first, count, out);
  } else if (const auto* rounded = As<RoundedPanels>()) {
    ReadRounded(*rounded, cols, first, count, out);
  } else {
    ToFloat(As<PlainRows>()->tensor, first * cols, count * cols, out);
  }
}

void TransformPanelBack(int64_t k, float* panel) {
  for (int64_t begin = 0, size = 0; begin < k; begin += size) {
    size = HadamardSize(k - begin);
    // Hadamard's matrix is its own inverse but for its size, by which stored weights were divided. All 32
    // rows of the panel at once: they lie side by side.
    for (int64_t stride = 1; stride < size; stride *= 2) {
      for (int64_t i = 0; i < size; ++i) {
        if ((i & stride) != 0) continue;
        float* a = panel + (begin + i) * kPanel;
        float* b = a + stride * kPanel;
        for (int c = 0; c < kPanel; ++c) {
          const float sum = a[c] + b[c], difference = a[c] - b[c];
          a[c] = sum;
          b[c] = difference;
        }
      }
    }
  }
}

}  // namespace gatehouse

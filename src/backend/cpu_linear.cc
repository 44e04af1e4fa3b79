// Y = X W^T + b for any weight storage: each thread takes a panel of 32 outputs, brings it into the kernel's
// form in scratch where it is not stored so already, and multiplies it with all rows of X. K is never split
// between threads.
#include <algorithm>

#include "backend/cpu_internal.h"

namespace gatehouse::cpu {
namespace {

QuantPanel PanelOf(const WeightView& view, int64_t panel) {
  return {
      reinterpret_cast<const uint8_t*>(view.tensor.data) + panel * QuantPanelBytes(*view.quant, view.cols),
      reinterpret_cast<const float*>(view.scales.data) + panel * QuantGroups(view.cols) * kPanel};
}

// The panel in the kernel's compute type; points into the mapped file where that already is its form.
const void* PreparePanel(const LinearKernel& kernel, const Weight& weight, int64_t panel, Scratch& scratch) {
  const WeightView& view = weight.view;
  const int64_t k = view.cols;
  const int64_t padded_k = (k + 1) / 2 * 2;
  const int64_t first = panel * kPanel;
  const int rows = static_cast<int>(std::min<int64_t>(kPanel, view.rows - first));
  if (view.quant) {  // float32: the reference quality, which costs more than the product of few rows
    float* wide = scratch.panel.GetAs<float>(padded_k * kPanel);
    WidenQuantPanel(*view.quant, PanelOf(view, panel), k, wide);
    return wide;
  }
  if (view.packed) {
    const auto* packed = reinterpret_cast<const uint16_t*>(view.tensor.data) + panel * padded_k * kPanel;
    if (kernel.compute == ComputeType::kBF16) return packed;
    float* out = scratch.panel.GetAs<float>(padded_k * kPanel);
    kernel.widen_panel(packed, k, out);
    return out;
  }
  void* out = scratch.panel.Get(static_cast<size_t>(padded_k * kPanel) * sizeof(float));
  if (!view.read_rows && view.tensor.dtype == DType::kBF16) {
    kernel.pack_bf16(reinterpret_cast<const uint16_t*>(view.tensor.data) + first * k, k, rows, k, out);
  } else if (!view.read_rows && view.tensor.dtype == DType::kF32) {
    kernel.pack_f32(reinterpret_cast<const float*>(view.tensor.data) + first * k, k, rows, k, out);
  } else {
    float* wide = scratch.rows.GetAs<float>(kPanel * k);
    view.ReadRows(first, rows, wide);
    kernel.pack_f32(wide, k, rows, k, out);
  }
  return out;
}

void AddBias(const float* bias, int64_t rows, int columns, float* y, int64_t stride) {
  for (int64_t row = 0; row < rows; ++row) {
    for (int column = 0; column < columns; ++column) y[row * stride + column] += bias[column];
  }
}

const WeightView& ViewOf(const Backend::LinearTerm& term) {
  return static_cast<const Weight&>(*term.weight).view;
}

constexpr int64_t kRoundRows = 16;  // that a thread rounds at once

const void* RoundToBf16(const LinearContext& context, Mat x, int64_t stride) {
  auto* rounded = context.rounded->GetAs<uint16_t>(x.rows * stride);
  context.pool->For((x.rows + kRoundRows - 1) / kRoundRows, [&](int64_t block, int) {
    const int64_t first = block * kRoundRows;
    context.kernel->round(RowOf(x, first), std::min(kRoundRows, x.rows - first), x.cols, x.cols,
                          rounded + first * stride);
  });
  return rounded;
}

QuantRows RoundTo8(const LinearContext& context, Mat x) {
  // Rows a multiple of 4 KB apart would fight for the same places of the first cache.
  constexpr int64_t kLine = 64, kSetPeriod = 4096;
  const int64_t groups = QuantGroups(x.cols);
  int64_t stride = (QuantPaddedK(x.cols) + kLine - 1) / kLine * kLine;
  if (stride % (kSetPeriod / 4) == 0) stride += kLine;
  auto* values = context.rounded8->values.GetAs<int8_t>(x.rows * stride);
  auto* scales = context.rounded8->scales.GetAs<float>(x.rows * groups);
  auto* sums = context.rounded8->sums.GetAs<int32_t>(x.rows * groups);
  const QuantKernel& kernel = *context.quant[0];  // every table rounds alike
  context.pool->For((x.rows + kRoundRows - 1) / kRoundRows, [&](int64_t block, int) {
    const int64_t first = block * kRoundRows;
    kernel.round(RowOf(x, first), std::min(kRoundRows, x.rows - first), x.cols, x.cols,
                 values + first * stride, stride, scales + first * groups, sums + first * groups);
  });
  return {values, stride, scales, sums};
}

}  // namespace

void RunLinear(const LinearContext& context, Mat x, std::initializer_list<Backend::LinearTerm> terms) {
  if (x.rows == 0) return;
  const LinearKernel& kernel = *context.kernel;
  const auto rounds = [&](const Backend::LinearTerm& term) {
    return ViewOf(term).quant.has_value() && context.quant[0] != nullptr;
  };
  const bool any_quant = std::any_of(terms.begin(), terms.end(), rounds);
  const bool all_quant = std::all_of(terms.begin(), terms.end(), rounds);
  const void* input = Data(x);
  int64_t stride = x.cols;
  if (kernel.compute == ComputeType::kBF16 && !all_quant) {
    stride = (x.cols + 1) / 2 * 2;
    input = RoundToBf16(context, x, stride);
  }
  const QuantRows rows8 = any_quant ? RoundTo8(context, x) : QuantRows{};
  int64_t panels = 0;
  for (const Backend::LinearTerm& term : terms) panels += (term.weight->rows + kPanel - 1) / kPanel;
  context.pool->For(panels, [&](int64_t index, int thread) {
    const Backend::LinearTerm* term = terms.begin();
    int64_t panel = index;
    for (; panel >= (term->weight->rows + kPanel - 1) / kPanel; ++term)
      panel -= (term->weight->rows + kPanel - 1) / kPanel;
    Scratch& scratch = (*context.scratch)[static_cast<size_t>(thread)];
    const auto& weight = static_cast<const Weight&>(*term->weight);
    const int64_t first = panel * kPanel;
    const int columns = static_cast<int>(std::min<int64_t>(kPanel, weight.rows - first));
    float* y = Data(term->out) + first;
    if (rounds(*term)) {
      const QuantKernel& quant = *context.quant[static_cast<size_t>(*weight.view.quant)];
      void* work = scratch.kernel.Get(std::max<size_t>(64, quant.scratch_bytes(x.rows, x.cols)));
      quant.run(rows8, x.rows, x.cols, PanelOf(weight.view, panel), y, term->out.cols, columns, work);
    } else {
      const void* prepared = PreparePanel(kernel, weight, panel, scratch);
      void* work = scratch.kernel.Get(std::max<size_t>(64, kernel.scratch_bytes(x.rows, x.cols)));
      kernel.run(input, stride, x.rows, x.cols, prepared, y, term->out.cols, columns, work);
    }
    if (term->bias != nullptr) AddBias(VectorOf(*term->bias) + first, x.rows, columns, y, term->out.cols);
  });
}

}  // namespace gatehouse::cpu

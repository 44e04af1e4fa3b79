// Brings frozen weights into panels, of themselves and of their transposes.
#include <algorithm>
#include <atomic>
#include <bit>

#include "tensor/tensor.h"
#include "train/cpu_parts.h"

namespace gatehouse::train::cpu {
namespace {

int64_t PanelCount(int64_t outputs) { return (outputs + kPanel - 1) / kPanel; }

void Take(Panels* panels) {
  const int64_t bytes = PanelCount(panels->outputs) * panels->panel_bytes();
  std::fill_n(static_cast<std::byte*>(panels->memory.Get(static_cast<size_t>(bytes))), bytes, std::byte{0});
}

// Value (output, input) of a weight.
void Put(const Panels& panels, int64_t output, int64_t input, float value) {
  std::byte* panel = panels.memory.data() + output / kPanel * panels.panel_bytes();
  const int64_t column = output % kPanel;
  if (panels.bf16) {
    reinterpret_cast<uint16_t*>(panel)[(input / 2 * kPanel + column) * 2 + input % 2] = FloatToBf16(value);
  } else {
    reinterpret_cast<float*>(panel)[input * kPanel + column] = value;
  }
}

// Blocks of 32 rows of a weight, widened: body(first row, rows, values [rows][cols]).
void ForWeightBlocks(const Context& context, const WeightView& view,
                     const std::function<void(int64_t first, int64_t count, const float* values)>& body) {
  context.pool->For(PanelCount(view.rows), [&](int64_t block, int thread) {
    const int64_t first = block * kPanel;
    const int64_t count = std::min<int64_t>(kPanel, view.rows - first);
    float* values = (*context.scratch)[static_cast<size_t>(thread)].panel.GetAs<float>(kPanel * view.cols);
    view.ReadRows(first, count, values);
    body(first, count, values);
  });
}

bool AllAreBf16(const Context& context, const WeightView& view) {
  std::atomic<bool> all = true;
  ForWeightBlocks(context, view, [&](int64_t, int64_t count, const float* values) {
    for (int64_t i = 0; i < count * view.cols; ++i) {
      if ((std::bit_cast<uint32_t>(values[i]) & 0xffff) == 0) continue;
      all = false;
      return;
    }
  });
  return all;
}

}  // namespace

void LoadPanels(const Context& context, const WeightView& view, bool goes_back, CpuFrozen* out) {
  out->rows = out->forward.outputs = out->back.inputs = view.rows;
  out->cols = out->forward.inputs = out->back.outputs = view.cols;
  out->forward.bf16 = out->back.bf16 =
      context.products->compute == ComputeType::kBF16 || AllAreBf16(context, view);
  Take(&out->forward);
  if (goes_back) Take(&out->back);
  // A block of 32 rows is one panel of W, and 32 inputs of every panel of its transpose: threads never write
  // the same place.
  ForWeightBlocks(context, view, [&](int64_t first, int64_t count, const float* values) {
    for (int64_t row = 0; row < count; ++row) {
      for (int64_t col = 0; col < view.cols; ++col) {
        const float value = values[row * view.cols + col];
        Put(out->forward, first + row, col, value);
        if (goes_back) Put(out->back, col, first + row, value);
      }
    }
  });
}

}  // namespace gatehouse::train::cpu

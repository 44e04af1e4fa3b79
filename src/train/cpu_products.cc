// The products of training, all by the kernels of the forward pass (kernels/linear/linear.h): y = x W^T over
// panels of 32 outputs. dx = dy W is the same over panels of W's transpose; dw = dy^T x takes dy transposed
// for its input and the columns of x for its outputs. K is never split, so no sum depends on the threads.
#include <algorithm>

#include "train/cpu_parts.h"

namespace gatehouse::train::cpu {
namespace {

// A panel as a kernel takes it.
struct Prepared {
  const void* data;
  bool packed;  // BF16 for a kernel that computes in float32
};
using Prepare = std::function<Prepared(int64_t panel, ThreadScratch& scratch)>;

struct PanelProduct {
  const LinearKernel* kernel;
  const void* x;  // rows x_stride elements apart, of the kernel's own kind
  int64_t x_stride, rows, k;
  float factor;
  bool adds;
  Mat y;  // [rows, outputs]
};

// Rows that one thread takes of one panel: few enough that all threads have work. A row's result is the same
// whatever it is computed with, so this changes no bit.
int64_t RowsAtOnce(const Context& context, int64_t rows, int64_t panels) {
  constexpr int64_t kLeast = 64, kTasksOfAThread = 4;
  const int64_t wanted = kTasksOfAThread * context.pool->threads();
  const int64_t blocks = std::max<int64_t>(1, (wanted + panels - 1) / panels);
  return std::max(kLeast, (rows + blocks - 1) / blocks);
}

void RunPanels(const Context& context, const PanelProduct& product, const Prepare& prepare) {
  const int64_t outputs = product.y.cols;
  if (product.rows == 0 || outputs == 0) return;
  const LinearKernel& kernel = *product.kernel;
  const int64_t panels = (outputs + kPanel - 1) / kPanel;
  const int64_t at_once = RowsAtOnce(context, product.rows, panels);
  const int64_t blocks = (product.rows + at_once - 1) / at_once;
  const size_t x_bytes = kernel.compute == ComputeType::kBF16 ? sizeof(uint16_t) : sizeof(float);
  const bool through_tile = product.adds || product.factor != 1.0f;
  context.pool->For(panels * blocks, [&](int64_t index, int thread) {
    ThreadScratch& scratch = (*context.scratch)[static_cast<size_t>(thread)];
    const int64_t panel = index / blocks, first_row = index % blocks * at_once;
    const int64_t rows = std::min(at_once, product.rows - first_row);
    const int64_t first = panel * kPanel;
    const int columns = static_cast<int>(std::min<int64_t>(kPanel, outputs - first));
    const auto* x = static_cast<const std::byte*>(product.x) +
                    static_cast<size_t>(first_row * product.x_stride) * x_bytes;
    const Prepared prepared = prepare(panel, scratch);
    void* work = KernelScratch(kernel, scratch, rows, product.k);
    float* out = RowOf(product.y, first_row) + first;
    float* y = through_tile ? scratch.tile.GetAs<float>(rows * kPanel) : out;
    const int64_t y_stride = through_tile ? kPanel : outputs;
    if (prepared.packed) {
      kernel.run_packed(reinterpret_cast<const float*>(x), product.x_stride, rows, product.k,
                        static_cast<const uint16_t*>(prepared.data), y, y_stride, columns, work);
    } else {
      kernel.run(x, product.x_stride, rows, product.k, prepared.data, y, y_stride, columns, work);
    }
    if (!through_tile) return;
    for (int64_t row = 0; row < rows; ++row) {
      float* to = out + row * outputs;
      const float* from = y + row * kPanel;
      if (product.adds) {
        for (int column = 0; column < columns; ++column) to[column] += product.factor * from[column];
      } else {
        for (int column = 0; column < columns; ++column) to[column] = product.factor * from[column];
      }
    }
  });
}

// A panel whose outputs are columns of a matrix: [rows of the matrix][32].
Prepare ColumnsOf(Mat matrix) {
  return [matrix](int64_t panel, ThreadScratch& scratch) {
    const int64_t first = panel * kPanel;
    const int64_t columns = std::min<int64_t>(kPanel, matrix.cols - first);
    float* out = scratch.panel.GetAs<float>(matrix.rows * kPanel);
    for (int64_t row = 0; row < matrix.rows; ++row) {
      std::copy_n(RowOf(matrix, row) + first, columns, out + row * kPanel);
      std::fill_n(out + row * kPanel + columns, kPanel - columns, 0.0f);
    }
    return Prepared{out, false};
  };
}

}  // namespace

void ForRows(const Context& context, int64_t rows, const std::function<void(int64_t row)>& body) {
  constexpr int64_t kBlock = 8;
  context.pool->For((rows + kBlock - 1) / kBlock, [&](int64_t block, int) {
    const int64_t end = std::min(rows, (block + 1) * kBlock);
    for (int64_t row = block * kBlock; row < end; ++row) body(row);
  });
}

void RunFrozen(const Context& context, Mat x, const Panels& weight, bool adds, Mat y) {
  const LinearKernel& kernel = *context.products;
  const void* input = Data(x);
  int64_t stride = x.cols;
  if (kernel.compute == ComputeType::kBF16) {
    stride = (x.cols + 1) / 2 * 2;
    auto* rounded = context.rounded->GetAs<uint16_t>(x.rows * stride);
    ForRows(context, x.rows,
            [&](int64_t row) { kernel.round(RowOf(x, row), 1, x.cols, x.cols, rounded + row * stride); });
    input = rounded;
  }
  const bool packed = weight.bf16 && kernel.compute == ComputeType::kF32;
  RunPanels(context, {&kernel, input, stride, x.rows, x.cols, 1.0f, adds, y},
            [&](int64_t panel, ThreadScratch&) {
              return Prepared{weight.Panel(panel), packed};
            });
}

void RunMultiply(const Context& context, Mat x, Mat w, float factor, bool adds, Mat y) {
  const LinearKernel& kernel = *context.exact;
  RunPanels(context, {&kernel, Data(x), x.cols, x.rows, x.cols, factor, adds, y},
            [&](int64_t panel, ThreadScratch& scratch) {
              const int64_t first = panel * kPanel;
              const int rows = static_cast<int>(std::min<int64_t>(kPanel, w.rows - first));
              float* out = scratch.panel.GetAs<float>(w.cols * kPanel);
              kernel.pack_f32(RowOf(w, first), w.cols, rows, w.cols, out);
              return Prepared{out, false};
            });
}

void RunMultiplyBack(const Context& context, Mat dy, Mat w, float factor, bool adds, Mat dx) {
  RunPanels(context, {context.exact, Data(dy), dy.cols, dy.rows, dy.cols, factor, adds, dx}, ColumnsOf(w));
}

void RunMultiplyOuter(const Context& context, Mat dy, Mat x, float factor, Mat dw) {
  auto* turned = context.turned->GetAs<float>(dy.cols * dy.rows);  // [dy.cols][dy.rows]
  const float* from = Data(dy);
  // Square by square: whole lines of the cache are read and written.
  constexpr int64_t kTile = 16;
  context.pool->For((dy.cols + kTile - 1) / kTile, [&](int64_t block, int) {
    const int64_t first = block * kTile, end = std::min(dy.cols, first + kTile);
    for (int64_t at = 0; at < dy.rows; at += kTile) {
      const int64_t last = std::min(dy.rows, at + kTile);
      for (int64_t col = first; col < end; ++col) {
        for (int64_t row = at; row < last; ++row) turned[col * dy.rows + row] = from[row * dy.cols + col];
      }
    }
  });
  RunPanels(context, {context.exact, turned, dy.rows, dy.cols, dy.rows, factor, true, dw}, ColumnsOf(x));
}

}  // namespace gatehouse::train::cpu

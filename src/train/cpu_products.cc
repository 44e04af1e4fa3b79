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

struct Input {
  const void* data;  // rows `stride` elements apart, of the kernel's own kind
  int64_t stride, rows, k;
};

// Rows that one thread takes of one panel: few enough that all threads have work. A row's result is the same
// whatever it is computed with, so this changes no bit.
int64_t RowsAtOnce(const Context& context, int64_t rows, int64_t panels) {
  constexpr int64_t kLeast = 64, kTasksOfAThread = 4;
  const int64_t wanted = kTasksOfAThread * context.pool->threads();
  const int64_t blocks = std::max<int64_t>(1, (wanted + panels - 1) / panels);
  return std::max(kLeast, (rows + blocks - 1) / blocks);
}

int ColumnsOfPanel(int64_t panel, int64_t outputs) {
  return static_cast<int>(std::min<int64_t>(kPanel, outputs - panel * kPanel));
}

// y [rows, outputs] (+)= x times the panels that `prepare` gives.
void RunPanels(const Context& context, const LinearKernel& kernel, const Input& x, bool adds,
               const Prepare& prepare, Mat y) {
  if (x.rows == 0 || y.cols == 0) return;
  const int64_t panels = (y.cols + kPanel - 1) / kPanel;
  const int64_t at_once = RowsAtOnce(context, x.rows, panels);
  const int64_t blocks = (x.rows + at_once - 1) / at_once;
  const size_t x_bytes = kernel.compute == ComputeType::kBF16 ? sizeof(uint16_t) : sizeof(float);
  const auto run = adds ? kernel.run_onto : kernel.run;
  const auto run_packed = adds ? kernel.run_packed_onto : kernel.run_packed;
  context.pool->For(panels * blocks, [&](int64_t index, int thread) {
    ThreadScratch& scratch = (*context.scratch)[static_cast<size_t>(thread)];
    const int64_t panel = index / blocks, first_row = index % blocks * at_once;
    const int64_t rows = std::min(at_once, x.rows - first_row);
    const auto* from =
        static_cast<const std::byte*>(x.data) + static_cast<size_t>(first_row * x.stride) * x_bytes;
    const Prepared prepared = prepare(panel, scratch);
    void* work = KernelScratch(kernel, scratch, rows, x.k);
    float* out = RowOf(y, first_row) + panel * kPanel;
    const int columns = ColumnsOfPanel(panel, y.cols);
    if (prepared.packed) {
      run_packed(reinterpret_cast<const float*>(from), x.stride, rows, x.k,
                 static_cast<const uint16_t*>(prepared.data), out, y.cols, columns, work);
    } else {
      run(from, x.stride, rows, x.k, prepared.data, out, y.cols, columns, work);
    }
  });
}

void ScaleAll(const Context& context, float factor, Mat x) {
  if (factor == 1.0f) return;
  ForRows(context, x.rows,
          [&](int64_t row) { context.vector->scale(RowOf(x, row), factor, x.cols, RowOf(x, row)); });
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
  const auto panel_of = [&](int64_t panel, ThreadScratch&) { return Prepared{weight.Panel(panel), packed}; };
  RunPanels(context, kernel, {input, stride, x.rows, x.cols}, adds, panel_of, y);
}

void RunMultiply(const Context& context, Mat x, Mat w, Written how, Mat y) {
  const LinearKernel& kernel = *context.exact;
  const auto rows_of = [&](int64_t panel, ThreadScratch& scratch) {
    float* out = scratch.panel.GetAs<float>(w.cols * kPanel);
    kernel.pack_f32(RowOf(w, panel * kPanel), w.cols, ColumnsOfPanel(panel, w.rows), w.cols, out);
    return Prepared{out, false};
  };
  RunPanels(context, kernel, {Data(x), x.cols, x.rows, x.cols}, how.adds, rows_of, y);
  ScaleAll(context, how.factor, y);
}

void RunMultiplyBack(const Context& context, Mat dy, Mat w, Written how, Mat dx) {
  RunPanels(context, *context.exact, {Data(dy), dy.cols, dy.rows, dy.cols}, how.adds, ColumnsOf(w), dx);
  ScaleAll(context, how.factor, dx);
}

namespace {

// x transposed, [x.cols][x.rows], rows a distance apart that no cache minds.
Input Turned(const Context& context, Mat x) {
  const int64_t stride = (x.rows + kPanel - 1) / kPanel * kPanel + kPanel / 2;
  auto* turned = context.turned->GetAs<float>(x.cols * stride);
  const float* from = Data(x);
  // Square by square: whole lines of the cache are read and written.
  constexpr int64_t kTile = 16;
  context.pool->For((x.rows + kTile - 1) / kTile, [&](int64_t block, int) {
    const int64_t first = block * kTile, end = std::min(x.rows, first + kTile);
    for (int64_t at = 0; at < x.cols; at += kTile) {
      const int64_t last = std::min(x.cols, at + kTile);
      for (int64_t col = at; col < last; ++col) {
        for (int64_t row = first; row < end; ++row) turned[col * stride + row] = from[row * x.cols + col];
      }
    }
  });
  return {turned, stride, x.cols, x.rows};
}

// dw^T += x^T dy, where x is the narrow one.
void AddOuterTurned(const Context& context, Mat dy, Mat x, Mat dw) {
  const LinearKernel& kernel = *context.exact;
  const Input turned = Turned(context, x);
  const Prepare columns_of = ColumnsOf(dy);
  context.pool->For((dy.cols + kPanel - 1) / kPanel, [&](int64_t panel, int thread) {
    ThreadScratch& scratch = (*context.scratch)[static_cast<size_t>(thread)];
    const int columns = ColumnsOfPanel(panel, dy.cols);
    const Prepared prepared = columns_of(panel, scratch);
    float* tile = scratch.tile.GetAs<float>(turned.rows * kPanel);
    kernel.run(turned.data, turned.stride, turned.rows, turned.k, prepared.data, tile, kPanel, columns,
               KernelScratch(kernel, scratch, turned.rows, turned.k));
    for (int column = 0; column < columns; ++column) {
      float* out = RowOf(dw, panel * kPanel + column);
      for (int64_t row = 0; row < turned.rows; ++row) out[row] += tile[row * kPanel + column];
    }
  });
}

}  // namespace

// The narrower of the two is transposed, and its columns are the rows of the product: fewer than 32 of them
// cost no more than they are, while outputs are computed 32 at a time.
void RunMultiplyOuter(const Context& context, Mat dy, Mat x, Mat dw) {
  if (dy.cols > x.cols) return AddOuterTurned(context, dy, x, dw);
  RunPanels(context, *context.exact, Turned(context, dy), /*adds=*/true, ColumnsOf(x), dw);
}

}  // namespace gatehouse::train::cpu

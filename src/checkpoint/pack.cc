#include "checkpoint/pack.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>

#include "base/error.h"
#include "checkpoint/release_pages.h"
#include "kernels/vector/vector.h"

namespace gatehouse {
namespace {

constexpr int64_t kBlockBytes = 16 << 20;

// The rows' bits where they lie, or null.
const std::byte* PlainBf16(const WeightView& weight) {
  const auto* plain = weight.As<PlainRows>();
  return plain != nullptr && plain->tensor.dtype == DType::kBF16 ? plain->tensor.data : nullptr;
}

// Rows that were streamed are done with. Weights without an owner are not maps; a slice of a fused tensor has
// another shape than its tensor. Giving back a page too early costs a second look at the page cache, nothing
// else.
void ReleaseRows(const WeightView& weight, int64_t first, int64_t count) {
  if (!weight.owner || weight.tensor().shape != Shape{weight.rows, weight.cols}) return;
  const BlockInfo block = BlockOf(weight.tensor().dtype);
  const int64_t row_bytes = weight.cols / block.values * block.bytes;
  ReleasePages({weight.tensor().data + first * row_bytes, static_cast<size_t>(count * row_bytes)});
}

}  // namespace

void PackPanel(const WeightView& weight, int64_t first_row, std::vector<float>* scratch, uint16_t* out) {
  const int64_t cols = weight.cols, pairs = (cols + 1) / 2;
  const int64_t rows = std::min(kPackedRows, weight.rows - first_row);
  if (rows < kPackedRows || cols % 2 != 0) std::memset(out, 0, static_cast<size_t>(pairs * kPackedRows) * 4);
  // BF16 as published, the usual case: bits change places and nothing is computed. Bytes, since a file may
  // put its data at any address.
  if (const std::byte* bits = PlainBf16(weight)) {
    const std::byte* source = bits + 2 * first_row * cols;
    for (int64_t r = 0; r < rows; ++r, source += 2 * cols) {
      for (int64_t p = 0; p < cols / 2; ++p) std::memcpy(out + (p * kPackedRows + r) * 2, source + 4 * p, 4);
      if (cols % 2 != 0) std::memcpy(out + ((pairs - 1) * kPackedRows + r) * 2, source + 2 * (cols - 1), 2);
    }
    return;
  }
  scratch->resize(static_cast<size_t>(kPackedRows * cols));
  weight.ReadRows(first_row, rows, scratch->data());
  for (int64_t r = 0; r < rows; ++r) {
    const float* row = scratch->data() + r * cols;
    for (int64_t k = 0; k < cols; ++k) out[(k / 2 * kPackedRows + r) * 2 + k % 2] = FloatToBf16(row[k]);
  }
}

namespace {

// Packs a weight panel by panel, a few megabytes at a time: pack(first row, thread, out) fills the
// panel_bytes of one panel; check() follows each block.
template <typename Pack, typename Check>
Result<void> StreamPanels(const WeightView& weight, int64_t panel_bytes, ThreadPool& pool,
                          const ByteSink& sink, Pack pack, Check check) {
  const int64_t panels = (weight.rows + kPackedRows - 1) / kPackedRows;
  const int64_t block = std::clamp<int64_t>(kBlockBytes / panel_bytes, 1, panels);
  std::vector<std::byte> packed(static_cast<size_t>(block * panel_bytes));
  for (int64_t first = 0; first < panels; first += block) {
    const int64_t count = std::min(block, panels - first);
    pool.For(count, [&](int64_t i, int thread) {
      pack((first + i) * kPackedRows, thread, packed.data() + i * panel_bytes);
    });
    GATEHOUSE_TRY(check());
    GATEHOUSE_TRY(sink(std::span(packed.data(), static_cast<size_t>(count * panel_bytes))));
    ReleaseRows(weight, first * kPackedRows,
                std::min(count * kPackedRows, weight.rows - first * kPackedRows));
  }
  return {};
}

}  // namespace

Result<void> StreamPacked(const WeightView& weight, ThreadPool& pool, const ByteSink& sink) {
  const int64_t panel_bytes = (weight.cols + 1) / 2 * kPackedRows * 4;
  std::vector<std::vector<float>> scratch(static_cast<size_t>(pool.threads()));
  const auto pack = [&](int64_t row, int thread, std::byte* out) {
    PackPanel(weight, row, &scratch[static_cast<size_t>(thread)], reinterpret_cast<uint16_t*>(out));
  };
  return StreamPanels(weight, panel_bytes, pool, sink, pack, [] { return Result<void>(); });
}

void TransformWeights(int64_t cols, float* row) {
  kRefVector.hadamard(row, cols);
  for (int64_t begin = 0, size = 0; begin < cols; begin += size) {
    size = HadamardSize(cols - begin);
    const float inverse = 1.0f / static_cast<float>(size);  // a power of two
    for (int64_t k = begin; k < begin + size; ++k) row[k] *= inverse;
  }
}

Result<void> StreamQuant(const WeightView& weight, QuantFormat format, bool transformed,
                         const std::string& name, ThreadPool& pool, const ByteSink& sink,
                         std::vector<float>* scales, const PanelRounder& round) {
  const int64_t panels = (weight.rows + kPackedRows - 1) / kPackedRows;
  const int64_t panel_scales = QuantGroups(weight.cols) * kPackedRows;
  scales->resize(static_cast<size_t>(panels * panel_scales));
  std::vector<std::vector<float>> scratch(static_cast<size_t>(pool.threads()));
  std::atomic<bool> finite{true};
  const auto pack = [&](int64_t row, int thread, std::byte* out) {
    const int64_t rows = std::min(kPackedRows, weight.rows - row);
    std::vector<float>& wide = scratch[static_cast<size_t>(thread)];
    wide.resize(static_cast<size_t>(kPackedRows * weight.cols));
    weight.ReadRows(row, rows, wide.data());
    const auto used = wide.begin() + rows * weight.cols;
    if (!std::all_of(wide.begin(), used, [](float value) { return std::isfinite(value); })) {
      finite.store(false, std::memory_order_relaxed);
      return;
    }
    for (int64_t r = 0; r < rows && transformed; ++r)
      TransformWeights(weight.cols, wide.data() + r * weight.cols);
    auto* values = reinterpret_cast<uint8_t*>(out);
    float* panel = scales->data() + row / kPackedRows * panel_scales;
    if (round) {
      round(wide.data(), static_cast<int>(rows), values, panel);
    } else {
      PackQuantPanel(format, wide.data(), weight.cols, static_cast<int>(rows), weight.cols, values, panel);
    }
  };
  const auto check = [&]() -> Result<void> {
    if (finite.load(std::memory_order_relaxed)) return {};
    return ModelError("weights that cannot be rounded", "tensor '" + name + "'", "finite numbers",
                      "infinity or NaN");
  };
  return StreamPanels(weight, QuantPanelBytes(format, weight.cols), pool, sink, pack, check);
}

Result<void> StreamRows(const WeightView& weight, DType dtype, const ByteSink& sink) {
  const int64_t block = std::clamp<int64_t>(kBlockBytes / (weight.cols * 4), 1, weight.rows);
  std::vector<float> values(static_cast<size_t>(block * weight.cols));
  std::vector<uint16_t> rounded(dtype == DType::kBF16 ? values.size() : 0);
  for (int64_t first = 0; first < weight.rows; first += block) {
    const int64_t count = std::min(block, weight.rows - first);
    const auto size = static_cast<size_t>(count * weight.cols);
    const std::byte* bits = PlainBf16(weight);
    if (dtype == DType::kBF16 && bits != nullptr) {
      GATEHOUSE_TRY(sink({bits + 2 * first * weight.cols, 2 * size}));
      ReleaseRows(weight, first, count);
      continue;
    }
    weight.ReadRows(first, count, values.data());
    if (dtype == DType::kF32) {
      GATEHOUSE_TRY(sink(std::as_bytes(std::span(values.data(), size))));
      continue;
    }
    for (size_t i = 0; i < size; ++i) rounded[i] = FloatToBf16(values[i]);
    GATEHOUSE_TRY(sink(std::as_bytes(std::span(rounded.data(), size))));
  }
  return {};
}

}  // namespace gatehouse

// bfloat16 products with VDPBF16PS: operands in bfloat16, sums in float32. The instruction flushes denormal
// operands and results to zero and rounds to nearest even, whatever the control register says.
#include <cstddef>
#include <cstdint>

#include "kernels/linear.h"

#if defined(__AVX512BF16__)
#include <immintrin.h>

namespace gatehouse {
namespace {

constexpr int kTileRows = 12;

inline __m512bh LoadPairs(const uint16_t* at) { return (__m512bh)_mm512_loadu_si512(at); }
inline __m512bh SplatPair(const uint16_t* at) {
  int32_t pair;
  __builtin_memcpy(&pair, at, 4);
  return (__m512bh)_mm512_set1_epi32(pair);
}

// y[0..rows)[0..32) (+)= x times `pairs` rows of the panel [pairs][32][2]; 24 accumulators, two weight
// vectors, and activations broadcast two at a time.
template <int rows>
inline void Tile(const uint16_t* x, int64_t x_stride, int64_t pairs, const uint16_t* panel, float* y,
                 int64_t y_stride, bool add) {
  __m512 low[rows], high[rows];
  for (int r = 0; r < rows; ++r) low[r] = high[r] = _mm512_setzero_ps();
  for (int64_t i = 0; i < pairs; ++i) {
    const __m512bh w_low = LoadPairs(panel + i * 2 * kPanel);
    const __m512bh w_high = LoadPairs(panel + i * 2 * kPanel + kPanel);
    for (int r = 0; r < rows; ++r) {
      const __m512bh value = SplatPair(x + r * x_stride + 2 * i);
      low[r] = _mm512_dpbf16_ps(low[r], value, w_low);
      high[r] = _mm512_dpbf16_ps(high[r], value, w_high);
    }
  }
  for (int r = 0; r < rows; ++r) {
    float* at = y + r * y_stride;
    if (add) {
      low[r] = _mm512_add_ps(_mm512_loadu_ps(at), low[r]);
      high[r] = _mm512_add_ps(_mm512_loadu_ps(at + 16), high[r]);
    }
    _mm512_storeu_ps(at, low[r]);
    _mm512_storeu_ps(at + 16, high[r]);
  }
}

template <int rows>
inline void TileOf(int count, const uint16_t* x, int64_t x_stride, int64_t pairs, const uint16_t* panel,
                   float* y, int64_t y_stride, bool add) {
  if (count == rows) {
    Tile<rows>(x, x_stride, pairs, panel, y, y_stride, add);
  } else if constexpr (rows > 1) {
    TileOf<rows - 1>(count, x, x_stride, pairs, panel, y, y_stride, add);
  }
}

void Run(const void* x_any, int64_t x_stride, int64_t rows, int64_t k, const void* panel_any, float* y,
         int64_t y_stride, int columns, void* scratch) {
  const auto* x = static_cast<const uint16_t*>(x_any);
  const auto* panel = static_cast<const uint16_t*>(panel_any);
  float* out = columns == kPanel ? y : static_cast<float*>(scratch);
  const int64_t out_stride = columns == kPanel ? y_stride : kPanel;
  for (int64_t begin = 0; begin == 0 || begin < k; begin += kBlockK) {
    const int64_t size = k - begin < kBlockK ? k - begin : kBlockK;
    for (int64_t row = 0; row < rows; row += kTileRows) {
      const int count = static_cast<int>(rows - row < kTileRows ? rows - row : kTileRows);
      TileOf<kTileRows>(count, x + row * x_stride + begin, x_stride, (size + 1) / 2, panel + begin * kPanel,
                        out + row * out_stride, out_stride, begin > 0);
    }
  }
  if (columns == kPanel) return;
  for (int64_t row = 0; row < rows; ++row) {
    for (int column = 0; column < columns; ++column) y[row * y_stride + column] = out[row * kPanel + column];
  }
}

size_t ScratchBytes(int64_t rows, int64_t) { return static_cast<size_t>(rows) * kPanel * sizeof(float); }

inline uint16_t RoundBf16(float value) {
  uint32_t bits;
  __builtin_memcpy(&bits, &value, 4);
  const uint32_t rounded = (bits + 0x7FFFu + ((bits >> 16) & 1u)) >> 16;
  return static_cast<uint16_t>((bits & 0x7FFFFFFFu) > 0x7F800000u ? (bits >> 16) | 0x40u : rounded);
}

void Round(const float* x, int64_t rows, int64_t k, int64_t x_stride, uint16_t* out) {
  const int64_t padded = (k + 1) / 2 * 2;
  for (int64_t row = 0; row < rows; ++row) {
    uint16_t* to = out + row * padded;
    for (int64_t i = 0; i < k; ++i) to[i] = RoundBf16(x[row * x_stride + i]);
    if (padded > k) to[k] = 0;
  }
}

constexpr int64_t kPackBlock = 128;

// Rows become columns of pairs, in blocks of K whose part of the panel stays in the first cache.
template <typename Source, typename Convert>
inline void Pack(const Source* w, int64_t row_stride, int rows, int64_t k, uint32_t* panel, Convert convert) {
  for (int64_t begin = 0; begin < k; begin += kPackBlock) {
    const int64_t end = begin + kPackBlock < k ? begin + kPackBlock : k;
    for (int r = 0; r < kPanel; ++r) {
      const Source* from = w + (r < rows ? r : 0) * row_stride;
      for (int64_t i = begin; i < end; i += 2) {
        const uint32_t low = convert(from[i]);
        const uint32_t high = i + 1 < k ? convert(from[i + 1]) : 0u;
        panel[i / 2 * kPanel + r] = r < rows ? low | high << 16 : 0u;
      }
    }
  }
}

void PackF32(const float* w, int64_t row_stride, int rows, int64_t k, void* panel) {
  Pack(w, row_stride, rows, k, static_cast<uint32_t*>(panel),
       [](float value) { return static_cast<uint32_t>(RoundBf16(value)); });
}
void PackBf16(const uint16_t* w, int64_t row_stride, int rows, int64_t k, void* panel) {
  Pack(w, row_stride, rows, k, static_cast<uint32_t*>(panel),
       [](uint16_t bits) { return static_cast<uint32_t>(bits); });
}

double PeakLoop(int64_t iterations) {
  constexpr int kChains = 2 * kTileRows;
  __m512 acc[kChains];
#pragma GCC unroll 32
  for (int i = 0; i < kChains; ++i) acc[i] = _mm512_set1_ps(static_cast<float>(i));
  __m512i a = _mm512_set1_epi32(0x3F003F00);
  for (int64_t repeat = 0; repeat < iterations; ++repeat) {
#pragma GCC unroll 32
    for (int i = 0; i < kChains; ++i) {
      acc[i] = _mm512_dpbf16_ps(acc[i], (__m512bh)a, (__m512bh)a);
      __asm__ volatile("" : "+v"(acc[i]));
    }
    __asm__ volatile("" : "+v"(a));
  }
  float total = 0.0f;
#pragma GCC unroll 32
  for (int i = 0; i < kChains; ++i) total += _mm512_cvtss_f32(acc[i]);
  return total == -1.0f ? 0.0 : 2.0 * 32 * kChains * static_cast<double>(iterations);
}

constexpr LinearKernel kTable = {
    "avx512-bf16/bf16", ComputeType::kBF16, Round, Run, ScratchBytes, nullptr, PackF32, PackBf16, PeakLoop};

}  // namespace

const LinearKernel* Avx512Bf16Linear() { return &kTable; }

}  // namespace gatehouse
#else
namespace gatehouse {
const LinearKernel* Avx512Bf16Linear() { return nullptr; }
}  // namespace gatehouse
#endif

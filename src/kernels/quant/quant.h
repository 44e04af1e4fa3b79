// Kernels of one matrix product Y = X W^T with weights of 8 or 4 bits, one table per format and instruction
// set.
//
// W [N, K] is used in panels of 32 outputs (kPanel), K in groups of kQuantGroup = 128 values that share a
// scale; the last group may be shorter. A weight is scale * (u - offset), u unsigned, offset 128 (q8) or 8
// (q4). Stored panels, the same for all instruction sets (K padded with u = offset to a multiple of 8):
//   q8      uint8 [K/4][32][4]: four neighbours of K in each word
//   q4      uint8 [K/8][32][4]: the low nibbles hold k .. k+3, the high ones k+4 .. k+7
//   scales  float [ceil(K/128)][32]
// X is rounded once, each group of a row by itself, to int8: x = scale * q, q in -127 .. 127, scale = max|x|
// / 127. One scale for a whole row would cost verdicts: a few of a token's values are far larger than the
// others.
//
// An output is the sum over groups, in order, of (scale of W * scale of X) * (integer sum of the group), by
// fused multiply-adds from zero. The integer sums are exact, so all tables give the same bits, and a row's
// result never depends on its neighbours, the tile or the thread.
//
// These functions are stateless: no allocation, no threads, no checks.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/linear/linear.h"
#include "tensor/quant_format.h"

namespace gatehouse {

constexpr int64_t kQuantGroup = 128;
constexpr int64_t kQuantAlign = 8;  // K of panels and rows is padded to a multiple of this

inline int64_t QuantGroups(int64_t k) { return (k + kQuantGroup - 1) / kQuantGroup; }
inline int64_t QuantPaddedK(int64_t k) { return (k + kQuantAlign - 1) / kQuantAlign * kQuantAlign; }
inline int64_t QuantPanelBytes(QuantFormat format, int64_t k) {
  return QuantPaddedK(k) * kPanel / (format == QuantFormat::kQ8 ? 1 : 2);
}

// Rounded rows of X.
struct QuantRows {
  const int8_t* values;  // [rows] rows `stride` bytes apart, zero from K to the padded K
  int64_t stride;        // a multiple of 64
  const float* scales;   // [rows][QuantGroups(k)]
  const int32_t* sums;   // [rows][QuantGroups(k)]: of the values of each group
  // Of kernels with `widen` also its rows, widened_bytes(k) apart, 64-byte aligned.
  const char* widened = nullptr;
};

struct QuantPanel {
  const uint8_t* values;
  const float* scales;
  // Values that this thread will want next, for the cache; may be null.
  const uint8_t* next = nullptr;
};

// Where a panel's products go: y[r][0 .. columns), columns <= 32, rows `stride` floats apart.
struct QuantOut {
  float* y;
  int64_t stride;
  int columns;
  bool adds = false;  // to what stands there; else it is overwritten
};

struct QuantKernel {
  const char* name;  // "avx512-vnni/q8"
  QuantFormat format;

  // Rounds rows of f32, x_stride floats apart. The same result in every table, to the bit: round to nearest
  // even of x * (127 / max|x|). A group of zeros, or of magnitudes below 2^-112, has values and scale 0. x is
  // finite; values are written up to the padded K.
  void (*round)(const float* x, int64_t rows, int64_t k, int64_t x_stride, int8_t* values, int64_t stride,
                float* scales, int32_t* sums);
  // The form of its own that `run` takes rows in, made once for all panels; null where it takes the values.
  // to: rows of widened_bytes(k), 64-byte aligned.
  void (*widen)(const QuantRows& x, int64_t rows, int64_t k, char* to);
  int64_t (*widened_bytes)(int64_t k);  // of a row, a multiple of 64
  // One panel's products for all rows. scratch: scratch_bytes(rows, k), 64-byte aligned.
  void (*run)(const QuantRows& x, int64_t rows, int64_t k, const QuantPanel& panel, const QuantOut& out,
              void* scratch);
  size_t (*scratch_bytes)(int64_t rows, int64_t k);
  // A register-only loop of this table's multiply-add instruction; returns operations done (2 per
  // multiply-add).
  double (*peak_loop)(int64_t iterations);
};

// As in linear/linear.h: constants, and only those of the build's kind of processor.
extern const QuantKernel kRefQ8, kRefQ4;
extern const QuantKernel kAvx2Q8, kAvx2Q4;
extern const QuantKernel kAvx2VnniQ8, kAvx2VnniQ4;  // VEX VPDPBUSD: laptops
extern const QuantKernel kAvx512VnniQ8, kAvx512VnniQ4;
extern const QuantKernel kNeonQ8, kNeonQ4;                // widening products
extern const QuantKernel kNeonDotprodQ8, kNeonDotprodQ4;  // SDOT
extern const QuantKernel kNeonI8mmQ8, kNeonI8mmQ4;        // USMMLA; USDOT for one row

// Rounds up to 32 rows of weights (row_stride floats apart; missing rows become zeros) into a panel.
// Portable: the same bytes on every machine. q8: the nearest of -127 .. 127 to w * 127 / max|w|. q4: the
// scale of a group is searched for the least squared error and may be negative, u in 0 .. 15. Groups below
// 2^-112 become zero. w is finite.
void PackQuantPanel(QuantFormat format, const float* w, int64_t row_stride, int rows, int64_t k,
                    uint8_t* values, float* scales);

// The weights that a panel stands for, as linear/linear.h's float panel [K][32].
void WidenQuantPanel(QuantFormat format, const QuantPanel& panel, int64_t k, float* out);

}  // namespace gatehouse

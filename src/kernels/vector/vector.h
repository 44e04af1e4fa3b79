// Kernels on rows of float32: norms, activations, and attention of some queries over one page of keys and
// values. One table per instruction set, like linear/linear.h; stateless, no allocation, no checks.
//
// A row's result depends only on that row: every sum runs in one fixed order, so batching never changes a
// bit.
#pragma once

#include <cstdint>

#include "tensor/page.h"

namespace gatehouse {

// Values of a page are stored in rows of `ValueStride(head_dim)` floats, zero behind head_dim.
constexpr int ValueStride(int head_dim) { return (head_dim + 15) / 16 * 16; }

// Some query vectors of one key/value head against one page. max, sum and out carry the running softmax:
// start with max = -inf, sum = 0, out = 0; after the last page the answer is out / sum.
struct AttentionPage {
  const float* q;        // [queries][head_dim], already multiplied by the attention scale
  const float* k;        // [head_dim][kPageTokens]
  const float* v;        // [kPageTokens][ValueStride(head_dim)]
  const uint32_t* mask;  // [queries], bit j: key j of the page is visible
  float* max;            // [queries]
  float* sum;            // [queries]
  float* out;            // [queries][ValueStride(head_dim)]
  int queries;
  int head_dim;
};

// Pairs of a head's dimensions: with an odd width the last one ends with a zero.
constexpr int HeadPairs(int head_dim) { return (head_dim + 1) / 2; }

// The same in bfloat16, two values side by side in each 32 bits, the first in the low half. Scores are
// exponents of 2, and weights are rounded to bfloat16; sums stay in float32.
struct AttentionPairs {
  const uint32_t* q;     // [queries][HeadPairs], already multiplied by the attention scale and log2(e)
  const uint32_t* k;     // [HeadPairs][kPageTokens]: of two dimensions
  const uint32_t* v;     // [kPageTokens / 2][ValueStride(head_dim)]: of two tokens
  const uint32_t* mask;  // and so on: as in AttentionPage
  float* max;
  float* sum;
  float* out;
  int queries;
  int head_dim;
};

using AttendInPairs = void (*)(const AttentionPairs& page);

// What `hadamard` takes together of the n values left of a row: 128, or the largest power of two that divides
// n.
constexpr int64_t HadamardSize(int64_t n) { return n >= 128 ? 128 : n & -n; }

struct VectorKernel {
  const char* name;
  // y = x * rsqrt(mean(x^2) + eps) * weight; weight may be null (all ones). y may be x.
  void (*rms_norm)(const float* x, const float* weight, int64_t n, float eps, float* y);
  void (*layer_norm)(const float* x, const float* weight, const float* bias, int64_t n, float eps, float* y);
  // y = silu(gate) * up
  void (*swiglu)(const float* gate, const float* up, int64_t n, float* y);
  // x = x/2 (1 + erf(x / sqrt 2)), in place
  void (*gelu)(float* x, int64_t n);
  void (*add)(float* x, const float* y, int64_t n);                  // x += y
  void (*scale)(const float* x, float factor, int64_t n, float* y);  // y = x * factor; y may be x
  // (a, b) becomes (a cos - b sin, a sin + b cos) for `half` pairs of x, the same to the bit in every table:
  // (x[2i], x[2i + 1]) where interleaved, else (x[i], x[i + half]).
  void (*rotate)(float* x, const float* cos, const float* sin, int64_t half, bool interleaved);
  void (*attend)(const AttentionPage& page);
  // Each block of HadamardSize values times the Hadamard matrix of its size, +1 and -1, in place: sums and
  // differences of values 1, 2, 4 .. apart, the same to the bit in every table. A large value among small
  // ones becomes many of like size. Twice is the block's size times what was there.
  void (*hadamard)(float* x, int64_t n);
  void (*widen_bf16)(const uint16_t* x, int64_t n, float* y);
  void (*round_bf16)(const float* x, int64_t n, uint16_t* y);
  // y = x / scale, rounded to nearest even; returns the scale, the largest magnitude over 127: not a number
  // where one of x is none or infinite, so that what is widened from it is none either.
  float (*round_i8)(const float* x, int64_t n, int8_t* y);
  // y[d][j] = x[d][j] * scales[j] for the keys [head_dim][kPageTokens] of a page
  void (*widen_keys_i8)(const int8_t* x, const float* scales, int64_t head_dim, float* y);
  // y[j][d] = x[j][d] * scales[j] for its values [kPageTokens][stride]; stride a multiple of 16
  void (*widen_values_i8)(const int8_t* x, const float* scales, int64_t stride, float* y);
  // Null where there is no instruction for it: pages are then widened for `attend`.
  AttendInPairs attend_pairs;
};

// As in linear/linear.h: constants, and only those of the build's kind of processor.
extern const VectorKernel kRefVector, kAvx2Vector, kAvx512Vector, kNeonVector;
// The one entry in which a table for avx512-bf16 differs from avx512's.
extern const AttendInPairs kAvx512Bf16AttendPairs;

}  // namespace gatehouse

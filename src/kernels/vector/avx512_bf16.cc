// Attention with VDPBF16PS; the other vector kernels are avx512's (tables.cc puts them together).
#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "kernels/vector/vector.h"

namespace gatehouse {
namespace {

constexpr int kLanes = 16;
constexpr int kPairs = kPageTokens / 2;  // of a page's tokens
// Query vectors that share a page while their sums stay in registers: 8 x 2 sums of 32 registers.
constexpr int kRows = 8;  // also the lanes of the vectors that hold one value a query
constexpr int kVecs = 2;

inline __m512 DotPairs(__m512 sum, __m512i a, __m512i b) {
  return _mm512_dpbf16_ps(sum, (__m512bh)a, (__m512bh)b);
}
inline __m512i Broadcast(uint32_t pair) { return _mm512_set1_epi32(static_cast<int>(pair)); }

// 2^x for x <= 0; the Taylor terms up to x^5 leave 3e-6 on [-1/2, 1/2], far below what BF16 keeps. What is no
// number stays none.
inline __m512 Exp2(__m512 x) {
  const __m512 whole = _mm512_roundscale_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  const __m512 r = _mm512_sub_ps(x, whole);
  __m512 p = _mm512_set1_ps(1.33335581e-3f);  // ln(2)^5 / 5!, and so on down
  p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(9.61812911e-3f));
  p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(5.55041087e-2f));
  p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(2.40226507e-1f));
  p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(6.93147181e-1f));
  p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(1.0f));
  return _mm512_scalef_ps(p, whole);
}

// With a loop, unlike with `= {}`, g++ keeps them in registers.
template <int rows, int vecs>
inline void Clear(__m512 (&acc)[rows][vecs]) {
#pragma GCC unroll 8
  for (int r = 0; r < rows; ++r) {
#pragma GCC unroll 2
    for (int c = 0; c < vecs; ++c) acc[r][c] = _mm512_setzero_ps();
  }
}

// scores[r][key] = q[r] . k[key]
template <int rows>
inline void Scores(const AttentionPairs& page, int first, __m512 (&scores)[kRows][kVecs]) {
  const int pairs = HeadPairs(page.head_dim);
  const uint32_t* q = page.q + static_cast<int64_t>(first) * pairs;
  __m512 acc[rows][kVecs];
  Clear<rows, kVecs>(acc);
  for (int d = 0; d < pairs; ++d) {
    const uint32_t* keys = page.k + static_cast<int64_t>(d) * kPageTokens;
    const __m512i low = _mm512_loadu_si512(keys), high = _mm512_loadu_si512(keys + kLanes);
#pragma GCC unroll 8
    for (int r = 0; r < rows; ++r) {
      const __m512i value = Broadcast(q[static_cast<int64_t>(r) * pairs + d]);
      acc[r][0] = DotPairs(acc[r][0], value, low);
      acc[r][1] = DotPairs(acc[r][1], value, high);
    }
  }
  for (int r = 0; r < rows; ++r) {
    for (int c = 0; c < kVecs; ++c) scores[r][c] = acc[r][c];
  }
}

struct Larger {
  static __m256 Of(__m256 a, __m256 b) { return _mm256_max_ps(a, b); }
};
struct Sum {
  static __m256 Of(__m256 a, __m256 b) { return _mm256_add_ps(a, b); }
};

// Each row's 16 lanes reduced to one: lane r is of row r, combined in the same order for every row.
template <typename Op>
inline __m256 Reduce(const __m512 (&rows)[kRows]) {
  __m256 half[kRows];
  for (int r = 0; r < kRows; ++r)
    half[r] = Op::Of(_mm512_castps512_ps256(rows[r]), _mm512_extractf32x8_ps(rows[r], 1));
  __m256 two[4];  // per 128 bits: a a' swapped in with b b', of two rows
  for (int i = 0; i < 4; ++i) {
    const __m256 a = half[2 * i], b = half[2 * i + 1];
    two[i] = Op::Of(_mm256_unpacklo_ps(a, b), _mm256_unpackhi_ps(a, b));
  }
  __m256 four[2];
  for (int i = 0; i < 2; ++i) {
    const __m256d a = _mm256_castps_pd(two[2 * i]), b = _mm256_castps_pd(two[2 * i + 1]);
    four[i] = Op::Of(_mm256_castpd_ps(_mm256_unpacklo_pd(a, b)), _mm256_castpd_ps(_mm256_unpackhi_pd(a, b)));
  }
  return Op::Of(_mm256_permute2f128_ps(four[0], four[1], 0x20),
                _mm256_permute2f128_ps(four[0], four[1], 0x31));
}

// The weights of the page's keys for some queries, rounded, as pairs, and what their sums so far are to be
// multiplied by; updates the running maxima and sums. Of a query that sees nothing the state stays as it is,
// bit for bit: its weights are 0 and it keeps 1.
template <int rows>
inline void Softmax(const AttentionPairs& page, int first, const __m512 (&scores)[kRows][kVecs],
                    uint32_t (&weights)[kRows][kPairs], float (&keep)[kRows]) {
  const __m512 lowest = _mm512_set1_ps(-__builtin_inff());
  __m512 lanes[kRows];
  for (int r = 0; r < kRows; ++r) {
    lanes[r] = lowest;
    if (r >= rows) continue;
    const uint32_t mask = page.mask[first + r];
    const auto low = static_cast<__mmask16>(mask), high = static_cast<__mmask16>(mask >> 16);
    lanes[r] = _mm512_max_ps(_mm512_mask_blend_ps(low, lowest, scores[r][0]),
                             _mm512_mask_blend_ps(high, lowest, scores[r][1]));
  }
  constexpr auto kValid = static_cast<__mmask8>((1u << rows) - 1u);
  const __m256 old_max = _mm256_maskz_loadu_ps(kValid, page.max + first);
  const __m256 new_max = _mm256_max_ps(Reduce<Larger>(lanes), old_max);
  alignas(32) float shift[kRows];
  _mm256_store_ps(shift, new_max);
  // The sums are those of the rounded weights, so that rounding does not change what they add up to.
  const __m512i one = Broadcast(0x3F803F80);
  for (int r = 0; r < kRows; ++r) {
    lanes[r] = _mm512_setzero_ps();
    if (r >= rows) continue;
    const uint32_t mask = page.mask[first + r];
    const __m512 shifted = _mm512_set1_ps(shift[r]);
    const __m512 low =
        _mm512_maskz_mov_ps(static_cast<__mmask16>(mask), Exp2(_mm512_sub_ps(scores[r][0], shifted)));
    const __m512 high =
        _mm512_maskz_mov_ps(static_cast<__mmask16>(mask >> 16), Exp2(_mm512_sub_ps(scores[r][1], shifted)));
    const auto rounded = (__m512i)_mm512_cvtne2ps_pbh(high, low);
    _mm512_store_si512(weights[r], rounded);
    lanes[r] = DotPairs(lanes[r], rounded, one);
  }
  const __m256 fresh = _mm256_cmp_ps(old_max, _mm256_set1_ps(-__builtin_inff()), _CMP_EQ_OQ);
  const __m256 kept = _mm512_castps512_ps256(Exp2(_mm512_castps256_ps512(_mm256_sub_ps(old_max, new_max))));
  const __m256 factor = _mm256_andnot_ps(fresh, kept);
  _mm256_storeu_ps(keep, factor);
  const __m256 sum =
      _mm256_fmadd_ps(_mm256_maskz_loadu_ps(kValid, page.sum + first), factor, Reduce<Sum>(lanes));
  _mm256_mask_storeu_ps(page.max + first, kValid, new_max);
  _mm256_mask_storeu_ps(page.sum + first, kValid, sum);
}

// out[r] = out[r] * keep[r] + sum_j weights[r][j] v[j], `vecs` vectors of the head from d on.
template <int rows, int vecs>
inline void WeighValues(const AttentionPairs& page, int first, int d,
                        const uint32_t (&weights)[kRows][kPairs], const float (&keep)[kRows]) {
  const int stride = ValueStride(page.head_dim);
  float* out = page.out + static_cast<int64_t>(first) * stride + d;
  __m512 acc[rows][vecs];
  Clear<rows, vecs>(acc);
  for (int j = 0; j < kPairs; ++j) {
    const uint32_t* values = page.v + static_cast<int64_t>(j) * stride + d;
    __m512i v[vecs];
    for (int c = 0; c < vecs; ++c) v[c] = _mm512_loadu_si512(values + c * kLanes);
#pragma GCC unroll 8
    for (int r = 0; r < rows; ++r) {
      const __m512i weight = Broadcast(weights[r][j]);
      for (int c = 0; c < vecs; ++c) acc[r][c] = DotPairs(acc[r][c], weight, v[c]);
    }
  }
  for (int r = 0; r < rows; ++r) {
    for (int c = 0; c < vecs; ++c) {
      float* at = out + static_cast<int64_t>(r) * stride + c * kLanes;
      _mm512_storeu_ps(at, _mm512_fmadd_ps(_mm512_loadu_ps(at), _mm512_set1_ps(keep[r]), acc[r][c]));
    }
  }
}

template <int rows>
void AttendRows(const AttentionPairs& page, int first) {
  uint32_t seen = 0;
  for (int r = 0; r < rows; ++r) seen |= page.mask[first + r];
  if (seen == 0) return;
  __m512 scores[kRows][kVecs];
  Scores<rows>(page, first, scores);
  alignas(64) uint32_t weights[kRows][kPairs];
  float keep[kRows];
  Softmax<rows>(page, first, scores, weights, keep);
  const int stride = ValueStride(page.head_dim);
  int d = 0;
  for (; d + kVecs * kLanes <= stride; d += kVecs * kLanes)
    WeighValues<rows, kVecs>(page, first, d, weights, keep);
  if (d < stride) WeighValues<rows, 1>(page, first, d, weights, keep);
}

template <int rows>
void AttendSome(const AttentionPairs& page, int first, int count) {
  if (count == rows) {
    AttendRows<rows>(page, first);
  } else if constexpr (rows > 1) {
    AttendSome<rows - 1>(page, first, count);
  }
}

void AttendPairs(const AttentionPairs& page) {
  for (int first = 0; first < page.queries; first += kRows) {
    const int left = page.queries - first;
    AttendSome<kRows>(page, first, left < kRows ? left : kRows);
  }
}

}  // namespace

constinit const AttendInPairs kAvx512Bf16AttendPairs = AttendPairs;

}  // namespace gatehouse

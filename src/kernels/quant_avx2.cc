// Quantised products with AVX2. 8 bits: VPMADDWD on weights and values widened to 16 bits, exact. 4 bits:
// VPMADDUBSW on nibbles, whose pairs (at most 2 * 15 * 127) leave room to add eight of them in 16 bits.
#include <cstddef>
#include <cstdint>

#include "kernels/quant.h"
#include "kernels/quant_round.h"

#if defined(__AVX2__)
#include <immintrin.h>

namespace gatehouse {
namespace {

constexpr const char* kName8 = "avx2/q8";
constexpr const char* kName4 = "avx2/q4";

#include "kernels/quant_avx2.inl"

template <int rows>
constexpr int kVecsOf = rows <= 3 ? 4 : kTileVecs;
template <QuantFormat format, int>
constexpr bool kWidens = format == QuantFormat::kQ8;
template <QuantFormat format>
constexpr int32_t kOffset = format == QuantFormat::kQ8 ? 128 : 8;
template <QuantFormat>
constexpr int64_t kWideFactor = 2;
template <QuantFormat format>
constexpr double kPeakOperations = 2.0 * (format == QuantFormat::kQ8 ? 2 : 4) * kLanes;

// Not intrinsics: with twelve sums, two weights, a value and a product all sixteen registers are in use, and
// only in this order; g++ 12 finds another one and moves sums to memory. Products of pairs go two by two (3 %
// faster), those of nibbles one by one (as measured).
inline void AddPairs(Int& first, Int& second, const Int (&weights)[2], Int values) {
  Int product;
  __asm__ volatile(
      "vpmaddwd %3, %4, %2\n\t"
      "vpmaddwd %3, %5, %3\n\t"
      "vpaddd %2, %0, %0\n\t"
      "vpaddd %3, %1, %1"
      : "+x"(first), "+x"(second), "=&x"(product), "+x"(values)
      : "x"(weights[0]), "x"(weights[1]));
}
inline Int AddNibbles(Int sum, Int weights, Int values) {
  Int product;
  __asm__ volatile(
      "vpmaddubsw %3, %2, %1\n\t"
      "vpaddw %1, %0, %0"
      : "+x"(sum), "=&x"(product)
      : "x"(weights), "x"(values));
  return sum;
}

// The pair of instructions that a product costs.
template <QuantFormat format>
inline Int PeakStep(Int sum, Int a) {
  if constexpr (format == QuantFormat::kQ4) return AddNibbles(sum, a, a);
  Int product;
  __asm__ volatile(
      "vpmaddwd %2, %2, %1\n\t"
      "vpaddd %1, %0, %0"
      : "+x"(sum), "=&x"(product)
      : "x"(a));
  return sum;
}

// A word of four values becomes two pairs of 16 bits, (0, 2) and (1, 3): the same shifts take the weights of
// a column apart, without shuffles. The second pairs lie kOdd bytes behind the first.
constexpr int64_t kOdd = 384;

// A block's part of an unpacked panel (16 KB at 8 bits) stays in the first cache.
constexpr int64_t kBlockGroups = 2;

inline Int EvenPairs(Int v) { return _mm256_srai_epi16(_mm256_slli_epi16(v, 8), 8); }
inline Int OddPairs(Int v) { return _mm256_srai_epi16(v, 8); }

inline void WidenRow(const int8_t* from, int64_t bytes, char* to) {
  int64_t i = 0;
  for (; i + 32 <= bytes; i += 32) {
    const Int v = LoadInt(from + i);
    _mm256_storeu_si256(reinterpret_cast<Int*>(to + i), EvenPairs(v));
    _mm256_storeu_si256(reinterpret_cast<Int*>(to + kOdd + i), OddPairs(v));
  }
  for (; i < bytes; i += kQuantAlign) {
    const Int v = _mm256_castsi128_si256(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(from + i)));
    _mm_storel_epi64(reinterpret_cast<__m128i*>(to + i), _mm256_castsi256_si128(EvenPairs(v)));
    _mm_storel_epi64(reinterpret_cast<__m128i*>(to + kOdd + i), _mm256_castsi256_si128(OddPairs(v)));
  }
}

template <int rows>
inline void WidenRows(const int8_t* from, int64_t stride, int64_t bytes, char* to, int64_t to_stride) {
  for (int r = 0; r < rows; ++r) {
    WidenRow(from + r * stride, bytes, to + r * to_stride);
    __builtin_prefetch(from + r * stride + kBlockGroups * kQuantGroup);  // the next block
  }
}

inline void StoreInt(uint8_t* at, Int v) { _mm256_storeu_si256(reinterpret_cast<Int*>(at), v); }

// The two vectors that a stored one holds: weights for the first and the second pairs, or low and high
// nibbles.
template <QuantFormat format>
inline Int FirstPart(Int v) {
  if constexpr (format == QuantFormat::kQ4) return LowNibbles(v);
  return _mm256_srli_epi16(_mm256_slli_epi16(v, 8), 8);
}
template <QuantFormat format>
inline Int SecondPart(Int v) {
  if constexpr (format == QuantFormat::kQ4) return HighNibbles(v);
  return _mm256_srli_epi16(v, 8);
}

// Each line of 32 words becomes two: all first parts, all second parts.
constexpr int64_t kPartBytes = kPanel * 4;
constexpr bool kUnpacks = true;

template <QuantFormat format>
inline void UnpackPanel(const uint8_t* from, int64_t bytes, uint8_t* to) {
  for (int64_t line = 0; line < bytes; line += kPartBytes) {
    for (int64_t at = 0; at < kPartBytes; at += 4 * kLanes) {
      const Int v = LoadInt(from + line + at);
      StoreInt(to + 2 * line + at, FirstPart<format>(v));
      StoreInt(to + 2 * line + kPartBytes + at, SecondPart<format>(v));
    }
  }
}

// Two vectors of columns, from `at` on, against one word of each row.
template <QuantFormat format, int rows, int vecs>
inline void Part(Int (&sum)[rows][vecs], int at, const char* x, int64_t x_bytes, const Int (&w)[2]) {
#pragma GCC unroll 16
  for (int r = 0; r < rows; ++r) {
    const Int value = SplatWord(x + r * x_bytes);
    if constexpr (format == QuantFormat::kQ8) {
      AddPairs(sum[r][at], sum[r][at + 1], w, value);
    } else {
#pragma GCC unroll 2
      for (int c = 0; c < 2; ++c) sum[r][at + c] = AddNibbles(sum[r][at + c], w[c], value);
    }
  }
}

// One stored line against the two words of each row that belong to its parts.
template <QuantFormat format, bool wide, int rows, int vecs>
inline void Line(Int (&sum)[rows][vecs], const char* x, const char* second_x, int64_t x_bytes,
                 const uint8_t* panel) {
#pragma GCC unroll 2
  for (int at = 0; at < vecs; at += 2) {
    Int w[2];
#pragma GCC unroll 2
    for (int c = 0; c < 2; ++c) {
      const Int v = LoadInt(panel + (at + c) * kLanes * 4);
      w[c] = wide ? v : FirstPart<format>(v);
    }
    Part<format>(sum, at, x, x_bytes, w);
#pragma GCC unroll 2
    for (int c = 0; c < 2; ++c) {
      const Int v = LoadInt(panel + (wide ? kPartBytes : 0) + (at + c) * kLanes * 4);
      w[c] = wide ? v : SecondPart<format>(v);
    }
    Part<format>(sum, at, second_x, x_bytes, w);
  }
}

// Both halves of a line far ahead: the one for the other columns is needed soon after.
inline void AskAhead(const uint8_t* panel) {
  constexpr int64_t kAhead = 2048;
  __builtin_prefetch(panel + kAhead);
  __builtin_prefetch(panel + kAhead + kPartBytes / 2);
}

template <bool wide, int rows, int vecs>
inline void GroupSumsQ8(Int (&sum)[rows][vecs], const char* x, int64_t x_bytes, const uint8_t* panel,
                        int64_t steps) {
  for (int64_t word = 0; word < 2 * steps; ++word) {
    if constexpr (!wide) AskAhead(panel);
    Line<QuantFormat::kQ8, wide>(sum, x, x + kOdd, x_bytes, panel);
    panel += kPartBytes * (wide ? 2 : 1);
    x += 4;
  }
}

template <bool wide, int rows, int vecs>
inline void GroupSumsQ4(Int (&sum)[rows][vecs], const char* x, int64_t x_bytes, const uint8_t* panel,
                        int64_t steps) {
  constexpr int64_t kSteps = 4;  // of two results each: eight in 16 bits
  while (steps > 0) {
    const int64_t count = steps < kSteps ? steps : kSteps;
    Int narrow[rows][vecs] = {};
    for (int64_t step = 0; step < count; ++step) {
      if constexpr (!wide) AskAhead(panel);
      Line<QuantFormat::kQ4, wide>(narrow, x, x + 4, x_bytes, panel);
      panel += kPartBytes * (wide ? 2 : 1);
      x += kQuantAlign;
    }
#pragma GCC unroll 16
    for (int r = 0; r < rows; ++r) {
#pragma GCC unroll 4
      for (int c = 0; c < vecs; ++c)
        sum[r][c] = _mm256_add_epi32(sum[r][c], _mm256_madd_epi16(narrow[r][c], _mm256_set1_epi16(1)));
    }
    steps -= count;
  }
}

template <QuantFormat format, bool wide, int rows, int vecs>
inline void GroupSums(Int (&sum)[rows][vecs], const char* x, int64_t x_bytes, const uint8_t* panel,
                      int64_t steps) {
  if constexpr (format == QuantFormat::kQ8) {
    GroupSumsQ8<wide>(sum, x, x_bytes, panel, steps);
  } else {
    GroupSumsQ4<wide>(sum, x, x_bytes, panel, steps);
  }
}

#include "kernels/quant_product.inl"

static_assert(kOdd == kLargestBlock);

}  // namespace

const QuantKernel* Avx2Quant(QuantFormat format) {
  return format == QuantFormat::kQ8 ? &kQ8Table : &kQ4Table;
}

}  // namespace gatehouse
#else
namespace gatehouse {
const QuantKernel* Avx2Quant(QuantFormat) { return nullptr; }
}  // namespace gatehouse
#endif

// What the two tables of 256-bit vectors share: tiles of 6 x 16 (12 integer sums of 16 registers), rounding
// of rows.

using Int = __m256i;
using Vec = __m256;
constexpr int kLanes = 8;
constexpr int kTileRows = 6;
constexpr int kTileVecs = 2;
constexpr int kTallRows = kTileRows;
constexpr int kFloatRows = 0;

inline Vec LoadFloat(const float* at) { return _mm256_loadu_ps(at); }
inline void StoreFloat(float* at, Vec v) { _mm256_storeu_ps(at, v); }
inline Vec SplatFloat(float value) { return _mm256_set1_ps(value); }
inline Int SplatInt(int32_t value) { return _mm256_set1_epi32(value); }
inline Int FirstLanes(int64_t count) {
  const int32_t lanes = count < kLanes ? static_cast<int32_t>(count) : kLanes;
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(lanes), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}
inline Vec MulAdd(Vec sum, Vec a, Vec b) { return _mm256_fmadd_ps(a, b, sum); }
inline Vec ToFloat(Int v) { return _mm256_cvtepi32_ps(v); }
inline void Keep(Int& v) { __asm__ volatile("" : "+x"(v)); }

inline Int LoadInt(const void* at) { return _mm256_loadu_si256(static_cast<const Int*>(at)); }
inline Int SplatWord(const char* at) {
  int32_t word;
  __builtin_memcpy(&word, at, sizeof word);
  return _mm256_set1_epi32(word);
}
inline Int LowNibbles(Int v) { return _mm256_and_si256(v, _mm256_set1_epi8(15)); }
inline Int HighNibbles(Int v) { return LowNibbles(_mm256_srli_epi16(v, 4)); }

inline float Largest(Vec v) {
  __m128 half = _mm_max_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
  half = _mm_max_ps(half, _mm_movehl_ps(half, half));
  return _mm_cvtss_f32(_mm_max_ss(half, _mm_movehdup_ps(half)));
}

inline int32_t Total(Int v) {
  __m128i half = _mm_add_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
  half = _mm_add_epi32(half, _mm_unpackhi_epi64(half, half));
  return _mm_cvtsi128_si32(_mm_add_epi32(half, _mm_srli_epi64(half, 32)));
}

void Round(const float* x, int64_t rows, int64_t k, int64_t x_stride, int8_t* values, int64_t stride,
           float* scales, int32_t* sums) {
  const int64_t padded = QuantPaddedK(k);
  const Vec magnitude = _mm256_castsi256_ps(_mm256_set1_epi32(0x7FFFFFFF));
  for (int64_t row = 0; row < rows; ++row) {
    const float* from = x + row * x_stride;
    int8_t* to = values + row * stride;
    for (int64_t begin = 0; begin < padded; begin += kQuantGroup) {
      const int64_t end = padded - begin < kQuantGroup ? padded : begin + kQuantGroup;
      Vec largest = _mm256_setzero_ps();
      for (int64_t i = begin; i < end && i < k; i += kLanes) {
        const Vec v = k - i < kLanes ? _mm256_maskload_ps(from + i, FirstLanes(k - i)) : LoadFloat(from + i);
        largest = _mm256_max_ps(largest, _mm256_and_ps(v, magnitude));
      }
      const float max = Largest(largest);
      const bool zero = max < kQuantTiny;
      const Vec inverse = SplatFloat(zero ? 0.0f : 127.0f / max);
      *scales++ = zero ? 0.0f : max / 127.0f;
      Int sum = _mm256_setzero_si256();
      for (int64_t i = begin; i < end; i += kLanes) {
        const Vec v = k - i < kLanes ? _mm256_maskload_ps(from + i, FirstLanes(k - i)) : LoadFloat(from + i);
        const Int q = _mm256_cvtps_epi32(_mm256_mul_ps(v, inverse));
        sum = _mm256_add_epi32(sum, q);
        const __m128i words = _mm_packs_epi32(_mm256_castsi256_si128(q), _mm256_extracti128_si256(q, 1));
        _mm_storel_epi64(reinterpret_cast<__m128i*>(to + i), _mm_packs_epi16(words, words));
      }
      *sums++ = Total(sum);
    }
  }
}

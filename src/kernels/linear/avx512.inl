// What the two AVX-512 tables share: tiles of 12 x 32 (24 accumulators of 32 registers), blocks of 16 x 16.

using Vec = __m512;
using Bits = __m512i;
constexpr int kLanes = 16;
constexpr int kTileRows = 12;
constexpr int kTileVecs = 2;

inline Vec Load(const void* at) { return _mm512_loadu_ps(at); }
inline void Store(void* at, Vec v) { _mm512_storeu_ps(at, v); }
inline void StoreBits(uint32_t* at, Bits v) { _mm512_storeu_si512(at, v); }
inline void Keep(Vec& v) { __asm__ volatile("" : "+v"(v)); }
inline Vec Splat(const void* unit) {
  float value;
  __builtin_memcpy(&value, unit, 4);
  return _mm512_set1_ps(value);
}

inline void Transpose(Bits (&v)[kLanes]) {
  Bits t[kLanes], u[kLanes];
#pragma GCC unroll 16
  for (int i = 0; i < kLanes; i += 2) {
    t[i] = _mm512_unpacklo_epi32(v[i], v[i + 1]);
    t[i + 1] = _mm512_unpackhi_epi32(v[i], v[i + 1]);
  }
  // u[4 g + j], quarter q: column 4 q + j of the rows 4 g .. 4 g + 3.
#pragma GCC unroll 16
  for (int g = 0; g < kLanes; g += 4) {
    u[g] = _mm512_unpacklo_epi64(t[g], t[g + 2]);
    u[g + 1] = _mm512_unpackhi_epi64(t[g], t[g + 2]);
    u[g + 2] = _mm512_unpacklo_epi64(t[g + 1], t[g + 3]);
    u[g + 3] = _mm512_unpackhi_epi64(t[g + 1], t[g + 3]);
  }
  constexpr int kEven = 0x88;  // quarters 0 and 2 of both operands
  constexpr int kOdd = 0xDD;
#pragma GCC unroll 16
  for (int j = 0; j < 4; ++j) {
    const Bits low_even = _mm512_shuffle_i32x4(u[j], u[4 + j], kEven);
    const Bits low_odd = _mm512_shuffle_i32x4(u[j], u[4 + j], kOdd);
    const Bits high_even = _mm512_shuffle_i32x4(u[8 + j], u[12 + j], kEven);
    const Bits high_odd = _mm512_shuffle_i32x4(u[8 + j], u[12 + j], kOdd);
    v[j] = _mm512_shuffle_i32x4(low_even, high_even, kEven);
    v[4 + j] = _mm512_shuffle_i32x4(low_odd, high_odd, kEven);
    v[8 + j] = _mm512_shuffle_i32x4(low_even, high_even, kOdd);
    v[12 + j] = _mm512_shuffle_i32x4(low_odd, high_odd, kOdd);
  }
}

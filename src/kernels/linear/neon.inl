// What the two NEON tables share: vectors of four, tiles of 6 x 16 (24 accumulators of 32 registers), blocks
// of 4 x 4.

using Vec = float32x4_t;
using Bits = uint32x4_t;
constexpr int kLanes = 4;
constexpr int kTileRows = 6;
constexpr int kTileVecs = 4;

inline Vec Load(const void* at) { return vld1q_f32(static_cast<const float*>(at)); }
inline void Store(void* at, Vec v) { vst1q_f32(static_cast<float*>(at), v); }
inline void StoreBits(uint32_t* at, Bits v) { vst1q_u32(at, v); }
inline void Keep(Vec& v) { __asm__ volatile("" : "+w"(v)); }
inline Vec Splat(const void* unit) {
  float value;
  __builtin_memcpy(&value, unit, 4);
  return vdupq_n_f32(value);
}

inline void Transpose(Bits (&v)[kLanes]) {
  // Pairs of rows, one column each in a pair of lanes: columns 0 and 2, 1 and 3.
  const uint64x2_t even_top = vreinterpretq_u64_u32(vtrn1q_u32(v[0], v[1]));
  const uint64x2_t odd_top = vreinterpretq_u64_u32(vtrn2q_u32(v[0], v[1]));
  const uint64x2_t even_low = vreinterpretq_u64_u32(vtrn1q_u32(v[2], v[3]));
  const uint64x2_t odd_low = vreinterpretq_u64_u32(vtrn2q_u32(v[2], v[3]));
  v[0] = vreinterpretq_u32_u64(vtrn1q_u64(even_top, even_low));
  v[1] = vreinterpretq_u32_u64(vtrn1q_u64(odd_top, odd_low));
  v[2] = vreinterpretq_u32_u64(vtrn2q_u64(even_top, even_low));
  v[3] = vreinterpretq_u32_u64(vtrn2q_u64(odd_top, odd_low));
}

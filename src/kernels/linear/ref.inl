// What the two portable tables share: the compiler's own vectors of four, tiles of 4 x 8.

typedef float Vec __attribute__((vector_size(16)));
typedef uint32_t Bits __attribute__((vector_size(16)));
constexpr int kLanes = 4;
constexpr int kTileRows = 4;
constexpr int kTileVecs = 2;

inline Vec Load(const void* at) {
  Vec v;
  __builtin_memcpy(&v, at, sizeof v);
  return v;
}
inline void Store(void* at, Vec v) { __builtin_memcpy(at, &v, sizeof v); }
inline void StoreBits(uint32_t* at, Bits v) { __builtin_memcpy(at, &v, sizeof v); }
inline void Keep(Vec& v) { __asm__ volatile("" : "+m"(v)); }
inline Vec Splat(const void* unit) {
  float value;
  __builtin_memcpy(&value, unit, 4);
  return Vec{value, value, value, value};
}

inline void Transpose(Bits (&v)[kLanes]) {
  for (int row = 0; row < kLanes; ++row) {
    for (int column = row + 1; column < kLanes; ++column) {
      const uint32_t above = v[row][column];
      v[row][column] = v[column][row];
      v[column][row] = above;
    }
  }
}

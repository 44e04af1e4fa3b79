// AVX2's products with 4-bit weights. Low nibbles meet the first word of eight values, high ones the second.

// Not an intrinsic: with twelve sums, two weights, a value and a product all sixteen registers are in use,
// and only in this order; g++ 12 finds another one and moves sums to memory.
inline Int AddNibbles(Int sum, Int weights, Int values) {
  Int product;
  __asm__ volatile(
      "vpmaddubsw %3, %2, %1\n\t"
      "vpaddw %1, %0, %0"
      : "+x"(sum), "=&x"(product)
      : "x"(weights), "x"(values));
  return sum;
}

inline void UnpackNibbles(const uint8_t* from, int64_t bytes, uint8_t* to) {
  for (int64_t line = 0; line < bytes; line += kPartBytes) {
    for (int64_t at = 0; at < kPartBytes; at += 4 * kLanes) {
      const Int v = LoadInt(from + line + at);
      StoreInt(to + 2 * line + at, LowNibbles(v));
      StoreInt(to + 2 * line + kPartBytes + at, HighNibbles(v));
    }
  }
}

// One stored line against two words of each row.
template <bool wide, int rows, int vecs>
inline void NibbleLine(Int (&sum)[rows][vecs], const char* x, int64_t x_bytes, const uint8_t* panel) {
#pragma GCC unroll 2
  for (int at = 0; at < vecs; at += 2) {
#pragma GCC unroll 2
    for (int part = 0; part < 2; ++part) {
      Int w[2];
#pragma GCC unroll 2
      for (int c = 0; c < 2; ++c) {
        const Int v = LoadInt(panel + (wide ? part * kPartBytes : 0) + (at + c) * kLanes * 4);
        w[c] = wide ? v : part == 0 ? LowNibbles(v) : HighNibbles(v);
      }
#pragma GCC unroll 16
      for (int r = 0; r < rows; ++r) {
        const Int value = SplatWord(x + r * x_bytes + part * 4);
#pragma GCC unroll 2
        for (int c = 0; c < 2; ++c) sum[r][at + c] = AddNibbles(sum[r][at + c], w[c], value);
      }
    }
  }
}

template <bool wide, int rows, int vecs>
inline void AddNibbleSums(Int (&sum)[rows][vecs], const char* x, int64_t x_bytes, const uint8_t* panel,
                          int64_t steps) {
  constexpr int64_t kSteps = 4;  // of two results each: eight in 16 bits
  while (steps > 0) {
    const int64_t count = steps < kSteps ? steps : kSteps;
    Int narrow[rows][vecs] = {};
    for (int64_t step = 0; step < count; ++step) {
      if constexpr (!wide) AskAhead(panel);
      NibbleLine<wide>(narrow, x, x_bytes, panel);
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

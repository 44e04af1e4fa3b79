// AVX2's products with 8-bit weights, in 16 bits. A word of four neighbours of K becomes two pairs, (0, 2)
// and (1, 3): shifts take values and weights apart alike, without shuffles.
//
// Few rows multiply pairs as they are: VPMADDWD and VPADDD for 16 products, which compete for ports. For many
// rows one multiplication makes two products (Winograd's inner product):
//
//   (x0 + w1)(x1 + w0) = x0 w0 + x1 w1 + x0 x1 + w0 w1
//
// VPADDW, VPADDW, VPMADDWD and VPADDD then make 32 products; that is as many instructions, but additions
// have twice the ports. What is too much, the cross sums of x0 x1 and of w0 w1, is computed once a row and
// once a panel, and taken off. Weights are unsigned here: x + w lies in -127 .. 382, and all of it is exact.

// Rows come as 16-bit pairs: of each group the first pairs, 128 bytes, then the second ones. Behind all
// groups of a row lie their cross sums, int32.
constexpr int64_t kWideRowForm = 2;
constexpr int64_t kOdd = kQuantGroup;

inline Int EvenPairs(Int v) { return _mm256_srai_epi16(_mm256_slli_epi16(v, 8), 8); }
inline Int OddPairs(Int v) { return _mm256_srai_epi16(v, 8); }
inline Int EvenWeights(Int v) { return _mm256_srli_epi16(_mm256_slli_epi16(v, 8), 8); }
inline Int OddWeights(Int v) { return _mm256_srli_epi16(v, 8); }
inline Int AddProducts(Int sum, Int a, Int b) { return _mm256_add_epi32(sum, _mm256_madd_epi16(a, b)); }

template <QuantFormat>
int64_t WidenedBytes(int64_t k) {
  constexpr int64_t kAlign = 64;
  return (QuantGroups(k) * (kWideRowForm * kQuantGroup + 4) + kAlign - 1) / kAlign * kAlign;
}

template <QuantFormat format>
void Widen(const QuantRows& x, int64_t rows, int64_t k, char* to) {
  const int64_t groups = QuantGroups(k), bytes = WidenedBytes<format>(k);
  for (int64_t row = 0; row < rows; ++row) {
    char* at = to + row * bytes;
    auto* cross = reinterpret_cast<int32_t*>(at + groups * kWideRowForm * kQuantGroup);
    for (int64_t group = 0; group < groups; ++group, at += kWideRowForm * kQuantGroup) {
      const int8_t* from = x.values + row * x.stride + group * kQuantGroup;
      const int64_t left = QuantPaddedK(k) - group * kQuantGroup;
      Int sum = _mm256_setzero_si256();
      for (int64_t i = 0; i < left && i < kQuantGroup; i += 4 * kLanes) {
        const Int v = left - i >= 4 * kLanes ? LoadInt(from + i)
                                             : _mm256_maskload_epi32(reinterpret_cast<const int*>(from + i),
                                                                     FirstLanes((left - i) / 4));
        StoreInt(at + i, EvenPairs(v));
        StoreInt(at + kOdd + i, OddPairs(v));
        sum = AddProducts(sum, EvenPairs(v), OddPairs(v));
      }
      cross[group] = Total(sum);
    }
  }
}

template <QuantFormat format>
inline void StartWidened(const QuantRows& x, int64_t rows, int64_t k, int32_t* starts) {
  const int64_t groups = QuantGroups(k), bytes = WidenedBytes<format>(k);
  for (int64_t row = 0; row < rows; ++row) {
    const char* behind = x.widened + row * bytes + groups * kWideRowForm * kQuantGroup;
    const auto* cross = reinterpret_cast<const int32_t*>(behind);
    for (int64_t group = 0; group < groups; ++group) *starts++ -= cross[group];
  }
}

// A group's line of cross sums comes before its pairs.
inline void UnpackPairs(const uint8_t* from, int64_t bytes, uint8_t* to) {
  constexpr int64_t kGroupBytes = kQuantGroup * kPanel;
  for (; bytes > 0; bytes -= kGroupBytes) {
    uint8_t* cross_at = to;
    to += kPartBytes;
    Int cross[kPanel / kLanes] = {};
    for (int64_t line = 0; line < kGroupBytes && line < bytes; line += kPartBytes) {
#pragma GCC unroll 4
      for (int c = 0; c < kPanel / kLanes; ++c) {
        const Int v = LoadInt(from + c * 4 * kLanes);
        StoreInt(to + c * 4 * kLanes, EvenWeights(v));
        StoreInt(to + kPartBytes + c * 4 * kLanes, OddWeights(v));
        cross[c] = AddProducts(cross[c], EvenWeights(v), OddWeights(v));
      }
      from += kPartBytes;
      to += 2 * kPartBytes;
    }
#pragma GCC unroll 4
    for (int c = 0; c < kPanel / kLanes; ++c) StoreInt(cross_at + c * 4 * kLanes, cross[c]);
  }
}

// Not intrinsics, nor are those below: see AddNibbles. Products go two by two (3 % faster).
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

inline void AddCrossed(Int& first, Int& second, const Int (&evens)[2], const Int (&odds)[2], Int even_x,
                       Int odd_x) {
  Int one, other;
  __asm__ volatile(
      "vpaddw %4, %8, %2\n\t"
      "vpaddw %5, %6, %3\n\t"
      "vpaddw %4, %9, %4\n\t"
      "vpaddw %5, %7, %5\n\t"
      "vpmaddwd %2, %3, %2\n\t"
      "vpmaddwd %4, %5, %4\n\t"
      "vpaddd %2, %0, %0\n\t"
      "vpaddd %4, %1, %1"
      : "+x"(first), "+x"(second), "=&x"(one), "=&x"(other), "+x"(even_x), "+x"(odd_x)
      : "x"(evens[0]), "x"(evens[1]), "x"(odds[0]), "x"(odds[1]));
}

inline Int PeakCrossed(Int sum, Int a) {
  Int one, other;
  __asm__ volatile(
      "vpaddw %3, %3, %1\n\t"
      "vpaddw %3, %3, %2\n\t"
      "vpmaddwd %1, %2, %1\n\t"
      "vpaddd %1, %0, %0"
      : "+x"(sum), "=&x"(one), "=&x"(other)
      : "x"(a));
  return sum;
}

template <int rows, int vecs>
inline void AddPairSums(Int (&sum)[rows][vecs], const char* x, int64_t x_bytes, const uint8_t* panel,
                        int64_t steps) {
  for (int64_t word = 0; word < 2 * steps; ++word) {
    AskAhead(panel);
#pragma GCC unroll 2
    for (int at = 0; at < vecs; at += 2) {
#pragma GCC unroll 2
      for (int part = 0; part < 2; ++part) {
        Int w[2];
#pragma GCC unroll 2
        for (int c = 0; c < 2; ++c) {
          const Int v = LoadInt(panel + (at + c) * kLanes * 4);
          w[c] = part == 0 ? EvenWeights(v) : OddWeights(v);
        }
#pragma GCC unroll 16
        for (int r = 0; r < rows; ++r)
          AddPairs(sum[r][at], sum[r][at + 1], w, SplatWord(x + r * x_bytes + part * kOdd));
      }
    }
    panel += kPartBytes;
    x += 4;
  }
}

constexpr int kCrossedRows = 4;  // 8 sums, 4 weights, 2 words of a row, 2 sums for a product: 16 registers

template <int rows, int vecs>
inline void AddCrossedSums(Int (&sum)[rows][vecs], const char* x, int64_t x_bytes, const uint8_t* panel,
                           int64_t steps) {
  static_assert(vecs == 2);
#pragma GCC unroll 2
  for (int c = 0; c < vecs; ++c) {
    const Int cross = LoadInt(panel + c * kLanes * 4);
#pragma GCC unroll 4
    for (int r = 0; r < rows; ++r) sum[r][c] = _mm256_sub_epi32(sum[r][c], cross);
  }
  panel += kPartBytes;
  for (int64_t word = 0; word < 2 * steps; ++word) {
    const Int evens[2] = {LoadInt(panel), LoadInt(panel + kLanes * 4)};
    const Int odds[2] = {LoadInt(panel + kPartBytes), LoadInt(panel + kPartBytes + kLanes * 4)};
#pragma GCC unroll 4
    for (int r = 0; r < rows; ++r) {
      const char* from = x + r * x_bytes;
      AddCrossed(sum[r][0], sum[r][1], evens, odds, SplatWord(from), SplatWord(from + kOdd));
    }
    panel += 2 * kPartBytes;
    x += 4;
  }
}

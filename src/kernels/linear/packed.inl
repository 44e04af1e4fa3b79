// Products with a packed bfloat16 panel in float32: of few rows widened in registers (read once, where a
// widened copy would be written and read again, four bytes a value), of more block by block of K into scratch
// that stays in the second cache. Included between product.inl and pack.inl; of use to float32
// tables. The order of summation is product.inl's.

typedef uint32_t UnitVec __attribute__((vector_size(sizeof(Vec))));

constexpr int kPanelVecs = kPanel / kLanes;
constexpr int64_t kFewRows = 12;
constexpr int64_t kFewAhead = 2048;  // values of a panel that are asked for before their use: 4 KB

// Tiles of up to three rows take a panel's lines whole, taller ones one half of the columns, which are lines
// of their own, after the other.
constexpr int kFewTallest = 6;
template <int rows>
constexpr int kFewVecs = rows <= 3 ? kPanelVecs : kPanelVecs / 2;

// One value of K of every row times its weights: kHigh says which half of the panel's pairs they are.
template <bool kHigh, int rows, int vecs>
inline void FewStep(Vec (&sum)[rows][vecs], const float* x, int64_t x_stride, const uint16_t* packed) {
  Vec w[vecs];
#pragma GCC unroll 8
  for (int c = 0; c < vecs; ++c) {
    UnitVec pairs;
    __builtin_memcpy(&pairs, packed + c * kLanes * 2, sizeof pairs);
    w[c] = (Vec)(kHigh ? pairs & 0xFFFF0000u : pairs << 16);
  }
#pragma GCC unroll 8
  for (int r = 0; r < rows; ++r) {
    const Vec value = Splat(x + r * x_stride);
#pragma GCC unroll 8
    for (int c = 0; c < vecs; ++c) sum[r][c] = MulAdd(sum[r][c], value, w[c]);
  }
}

// y [rows][32] (+)= x [rows][size] times `size` values of the panel, an even number of them or the last.
template <int rows>
inline void FewTile(const float* x, int64_t x_stride, int64_t size, const uint16_t* panel, float* y,
                    bool add) {
  constexpr int vecs = kFewVecs<rows>;
  for (int column = 0; column < kPanel; column += vecs * kLanes) {
    const uint16_t* packed = panel + column * 2;
    Vec sum[rows][vecs];
#pragma GCC unroll 8
    for (int r = 0; r < rows; ++r) {
#pragma GCC unroll 8
      for (int c = 0; c < vecs; ++c) sum[r][c] = Vec{};
    }
    int64_t i = 0;
    for (; i + 2 <= size; i += 2) {
      __builtin_prefetch(packed + kFewAhead);
      if (vecs == kPanelVecs) __builtin_prefetch(packed + kFewAhead + kPanel);
      FewStep<false>(sum, x + i, x_stride, packed);
      FewStep<true>(sum, x + i + 1, x_stride, packed);
      packed += 2 * kPanel;
    }
    if (i < size) FewStep<false>(sum, x + i, x_stride, packed);
#pragma GCC unroll 8
    for (int r = 0; r < rows; ++r) {
#pragma GCC unroll 8
      for (int c = 0; c < vecs; ++c) {
        float* at = y + r * kPanel + column + c * kLanes;
        Store(at, add ? Load(at) + sum[r][c] : sum[r][c]);
      }
    }
  }
}

template <int rows>
inline void FewTileOf(int count, const float* x, int64_t x_stride, int64_t size, const uint16_t* packed,
                      float* y, bool add) {
  if (count == rows) {
    FewTile<rows>(x, x_stride, size, packed, y, add);
  } else if constexpr (rows > 1) {
    FewTileOf<rows - 1>(count, x, x_stride, size, packed, y, add);
  }
}

// A block of K by tiles of few rows.
inline void RunFew(const float* x, int64_t x_stride, int64_t rows, int64_t size, const uint16_t* packed,
                   float* y, bool add) {
  // Four rows are faster as two whole-line tiles of two.
  const int64_t tiles = rows == 4 ? 2 : (rows + kFewTallest - 1) / kFewTallest;
  const int64_t each = (rows + tiles - 1) / tiles;
  for (int64_t row = 0; row < rows; row += each) {
    const int count = static_cast<int>(rows - row < each ? rows - row : each);
    FewTileOf<kFewTallest>(count, x + row * x_stride, x_stride, size, packed, y + row * kPanel, add);
  }
}

// [K/2][32][2] bf16 -> [K][32] floats
[[maybe_unused]] void WidenPanel(const uint16_t* packed, int64_t k, float* panel) {
  for (int64_t i = 0; i < k; i += 2) {
#pragma GCC unroll 8
    for (int c = 0; c < kPanelVecs; ++c) {
      UnitVec pairs;
      __builtin_memcpy(&pairs, packed + i * kPanel + c * kLanes * 2, sizeof pairs);
      Store(panel + i * kPanel + c * kLanes, (Vec)(pairs << 16));
      if (i + 1 < k) Store(panel + (i + 1) * kPanel + c * kLanes, (Vec)(pairs & 0xFFFF0000u));
    }
    __builtin_prefetch(packed + i * kPanel + kFewAhead);
    __builtin_prefetch(packed + i * kPanel + kFewAhead + kPanel);
  }
}

// scratch: a widened block of the panel, then results [rows][kPanel]
template <bool onto>
[[maybe_unused]] void RunPackedTo(const float* x, int64_t x_stride, int64_t rows, int64_t k,
                                  const uint16_t* packed, float* y, int64_t y_stride, int columns,
                                  void* scratch) {
  auto* wide = static_cast<float*>(scratch);
  const bool few = rows <= kFewRows;
  const bool direct = columns == kPanel && !few;
  float* out = direct ? y : wide + kBlockK * kPanel;
  const int64_t out_stride = direct ? y_stride : kPanel;
  if (onto && !direct) CopyColumns(y, y_stride, rows, columns, out, out_stride);
  for (int64_t begin = 0; begin == 0 || begin < k; begin += kBlockK) {
    const int64_t size = k - begin < kBlockK ? k - begin : kBlockK;
    const bool add = onto || begin > 0;
    if (few) {
      RunFew(x + begin, x_stride, rows, size, packed + begin * kPanel, out, add);
    } else {
      WidenPanel(packed + begin * kPanel, size, wide);
      RunBlock(x, x_stride * 4, rows, begin, size, reinterpret_cast<const uint32_t*>(wide), out, out_stride,
               add);
    }
  }
  if (!direct) CopyColumns(out, out_stride, rows, columns, y, y_stride);
}

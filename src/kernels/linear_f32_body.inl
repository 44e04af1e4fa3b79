// The float32 product, written once with the compiler's vector types and compiled once for each instruction
// set. The including file defines LANES (floats in a vector), TILE_ROWS and TILE_VECS (accumulators: their
// product, plus TILE_VECS + 1 operands, must fit the registers), TABLE_NAME, and includes this inside an
// unnamed namespace.

typedef float Vec __attribute__((vector_size(LANES * 4)));

inline Vec Load(const float* at) {
  Vec v;
  __builtin_memcpy(&v, at, sizeof v);
  return v;
}
inline void Store(float* at, Vec v) { __builtin_memcpy(at, &v, sizeof v); }

constexpr int kTileColumns = LANES * TILE_VECS;
static_assert(kPanel % kTileColumns == 0);

// y[0..rows)[0..kTileColumns) (+)= x[0..rows)[0..k) times k rows of the panel. Twelve (six) rows share each
// load of the weights; x is broadcast from memory.
template <int rows>
inline void Tile(const float* x, int64_t x_stride, int64_t k, const float* panel, float* y, int64_t y_stride,
                 bool add) {
  Vec acc[rows][TILE_VECS];
  for (int r = 0; r < rows; ++r) {
    for (int c = 0; c < TILE_VECS; ++c) acc[r][c] = Vec{};
  }
  for (int64_t i = 0; i < k; ++i) {
    Vec w[TILE_VECS];
    for (int c = 0; c < TILE_VECS; ++c) w[c] = Load(panel + i * kPanel + c * LANES);
    for (int r = 0; r < rows; ++r) {
      const float value = x[r * x_stride + i];
      for (int c = 0; c < TILE_VECS; ++c) acc[r][c] += value * w[c];
    }
  }
  for (int r = 0; r < rows; ++r) {
    for (int c = 0; c < TILE_VECS; ++c) {
      float* at = y + r * y_stride + c * LANES;
      Store(at, add ? Load(at) + acc[r][c] : acc[r][c]);
    }
  }
}

template <int rows>
inline void TileOf(int count, const float* x, int64_t x_stride, int64_t k, const float* panel, float* y,
                   int64_t y_stride, bool add) {
  if (count == rows) {
    Tile<rows>(x, x_stride, k, panel, y, y_stride, add);
  } else if constexpr (rows > 1) {
    TileOf<rows - 1>(count, x, x_stride, k, panel, y, y_stride, add);
  }
}

// With fewer than 32 columns the tile goes to a block of its own, of which the valid columns are copied.
void Run(const void* x_any, int64_t x_stride, int64_t rows, int64_t k, const void* panel_any, float* y,
         int64_t y_stride, int columns, void* scratch) {
  const float* x = static_cast<const float*>(x_any);
  const float* panel = static_cast<const float*>(panel_any);
  float* out = columns == kPanel ? y : static_cast<float*>(scratch);
  const int64_t out_stride = columns == kPanel ? y_stride : kPanel;
  for (int64_t begin = 0; begin == 0 || begin < k; begin += kBlockK) {
    const int64_t size = k - begin < kBlockK ? k - begin : kBlockK;
    for (int64_t row = 0; row < rows; row += TILE_ROWS) {
      const int count = static_cast<int>(rows - row < TILE_ROWS ? rows - row : TILE_ROWS);
      for (int column = 0; column < kPanel; column += kTileColumns) {
        TileOf<TILE_ROWS>(count, x + row * x_stride + begin, x_stride, size, panel + begin * kPanel + column,
                          out + row * out_stride + column, out_stride, begin > 0);
      }
    }
  }
  if (columns == kPanel) return;
  for (int64_t row = 0; row < rows; ++row) {
    for (int column = 0; column < columns; ++column) y[row * y_stride + column] = out[row * kPanel + column];
  }
}

size_t ScratchBytes(int64_t rows, int64_t) { return static_cast<size_t>(rows) * kPanel * sizeof(float); }

inline float FromBf16(uint32_t bits) {
  const uint32_t wide = bits << 16;
  float value;
  __builtin_memcpy(&value, &wide, 4);
  return value;
}

// [K/2][32][2] -> [K][32]
void WidenPanel(const uint16_t* packed, int64_t k, float* panel) {
  for (int64_t pair = 0; pair < (k + 1) / 2; ++pair) {
    uint32_t both[kPanel];
    __builtin_memcpy(both, packed + pair * 2 * kPanel, sizeof both);
    uint32_t even[kPanel], odd[kPanel];
    for (int c = 0; c < kPanel; ++c) {
      even[c] = both[c] << 16;
      odd[c] = both[c] & 0xFFFF0000u;
    }
    __builtin_memcpy(panel + 2 * pair * kPanel, even, sizeof even);
    if (2 * pair + 1 < k) __builtin_memcpy(panel + (2 * pair + 1) * kPanel, odd, sizeof odd);
  }
}

// Rows become columns, in blocks of K whose part of the panel stays in the first cache.
constexpr int64_t kPackBlock = 64;

template <typename Source, typename Convert>
inline void Pack(const Source* w, int64_t row_stride, int rows, int64_t k, float* panel, Convert convert) {
  for (int64_t begin = 0; begin < k; begin += kPackBlock) {
    const int64_t end = begin + kPackBlock < k ? begin + kPackBlock : k;
    for (int r = 0; r < kPanel; ++r) {
      const Source* from = w + (r < rows ? r : 0) * row_stride;
      for (int64_t i = begin; i < end; ++i) panel[i * kPanel + r] = r < rows ? convert(from[i]) : 0.0f;
    }
  }
}

void PackF32(const float* w, int64_t row_stride, int rows, int64_t k, void* panel) {
  Pack(w, row_stride, rows, k, static_cast<float*>(panel), [](float value) { return value; });
}
void PackBf16(const uint16_t* w, int64_t row_stride, int rows, int64_t k, void* panel) {
  Pack(w, row_stride, rows, k, static_cast<float*>(panel), [](uint16_t bits) { return FromBf16(bits); });
}

double PeakLoop(int64_t iterations) {
  constexpr int kChains = TILE_ROWS * TILE_VECS;
  Vec acc[kChains];
#pragma GCC unroll 32
  for (int i = 0; i < kChains; ++i) acc[i] = static_cast<float>(i) - Vec{};
  Vec a = 0.5f - Vec{}, b = 0.25f - Vec{};
  for (int64_t repeat = 0; repeat < iterations; ++repeat) {
#pragma GCC unroll 32
    for (int i = 0; i < kChains; ++i) {
      acc[i] += a * b;
      KEEP_IN_REGISTER(acc[i]);  // or the compiler would sum up the loop by itself
    }
    KEEP_IN_REGISTER(a);
  }
  float total = 0.0f;
#pragma GCC unroll 32
  for (int i = 0; i < kChains; ++i) total += acc[i][0];
  return total == -1.0f ? 0.0 : 2.0 * LANES * kChains * static_cast<double>(iterations);
}

constexpr LinearKernel kTable = {TABLE_NAME, ComputeType::kF32, nullptr,  Run,     ScratchBytes,
                                 WidenPanel, PackF32,           PackBf16, PeakLoop};

// The product of a panel, written once for all tables. The including file defines, in its unnamed namespace,
//
//   Vec             kLanes floats, the accumulators' type       kName         the table's name
//   kTileRows, kTileVecs   their product, kTileVecs weights and one operand must fit the registers
//   kPairs          a unit is a pair of bf16 (else one float)
//   Vec MulAdd(Vec sum, Vec x, Vec w)    sum + x w for each lane's unit, in one fixed way
//   Vec Splat(const void* unit), Vec Load(const void*), void Store(void*, Vec), void Keep(Vec&)
//
// and includes product.inl and pack.inl after that. K is counted in units of 32 bits below: a
// float of X and a row of 32 floats of the panel, or a pair of bf16 and a row of 32 pairs.

constexpr int kTileColumns = kLanes * kTileVecs;
static_assert(kPanel % kTileColumns == 0);

constexpr int kLine = 16;  // units in 64 bytes
constexpr int kLineBytes = 64;
constexpr int64_t kUnitElements = kPairs ? 2 : 1;
constexpr int64_t kBlockUnits = kBlockK / kUnitElements;
constexpr int kPrefetchUnits = 16;  // how far ahead the panel is asked for

inline const char* Bytes(const void* at) { return static_cast<const char*>(at); }

// The first cache in every processor that matters: its sets repeat every 4 KB, and it has 8 ways or more.
// This many rows of X at the same place of their 4 KB leave room for the panel.
constexpr int64_t kSetPeriod = 4096;
constexpr int64_t kRowsInSet = 6;

template <int rows>
inline void Step(Vec (&sum)[rows][kTileVecs], const char* x, int64_t x_bytes, const uint32_t* panel) {
  Vec w[kTileVecs];
#pragma GCC unroll 16
  for (int c = 0; c < kTileVecs; ++c) w[c] = Load(panel + c * kLanes);
#pragma GCC unroll 16
  for (int r = 0; r < rows; ++r) {
    const Vec value = Splat(x + r * x_bytes);
#pragma GCC unroll 16
    for (int c = 0; c < kTileVecs; ++c) sum[r][c] = MulAdd(sum[r][c], value, w[c]);
  }
}

// One line of every row: x [rows] rows x_bytes apart -> lines [rows][64].
template <int rows>
inline void CopyLine(const char* x, int64_t x_bytes, char* lines) {
#pragma GCC unroll 16
  for (int r = 0; r < rows; ++r) {
#pragma GCC unroll 16
    for (int at = 0; at < kLineBytes; at += kLanes * 4)
      Store(lines + r * kLineBytes + at, Load(x + r * x_bytes + at));
  }
}

// y[0..rows)[0..kTileColumns) (+)= x[0..rows)[0..units) times `units` rows of the panel.
//
// With `copy`, each line of X goes through a small buffer, one line ahead of its use: for rows that lie a
// multiple of 4 KB apart, whose lines would throw each other out of the first cache sixteen times before they
// are used up. Costs 5 % where it is not needed (stores alternate with the multipliers).
template <int rows, bool copy>
inline void Tile(const char* x, int64_t x_bytes, int64_t units, const uint32_t* panel, float* y,
                 int64_t y_stride, bool add) {
  Vec sum[rows][kTileVecs];
#pragma GCC unroll 16
  for (int r = 0; r < rows; ++r) {
#pragma GCC unroll 16
    for (int c = 0; c < kTileVecs; ++c) sum[r][c] = Vec{};
    __builtin_prefetch(y + r * y_stride, 1);
    __builtin_prefetch(y + r * y_stride + kTileColumns - 1, 1);
  }
  alignas(64) char lines[2][copy ? rows * kLineBytes : 1];
  const int64_t count = units / kLine;
  if (copy && count > 0) CopyLine<rows>(x, x_bytes, lines[0]);
  for (int64_t line = 0; line < count; ++line) {
    const char* next = x + (line + 1 < count ? line + 1 : line) * kLineBytes;
    const char* values = x + line * kLineBytes;
    if constexpr (copy) {
      CopyLine<rows>(next, x_bytes, lines[(line + 1) & 1]);
      values = lines[line & 1];
    } else {
#pragma GCC unroll 16
      for (int r = 0; r < rows; ++r) __builtin_prefetch(next + r * x_bytes);
    }
#pragma GCC unroll 2
    for (int i = 0; i < kLine; ++i) {
      __builtin_prefetch(panel + kPrefetchUnits * kPanel);
      // The other half: for this tile, or into the second cache for the tile beside it.
      __builtin_prefetch(panel + kPrefetchUnits * kPanel + kLine, 0, kTileColumns > kLine ? 3 : 2);
      Step<rows>(sum, values + i * 4, copy ? kLineBytes : x_bytes, panel);
      panel += kPanel;
    }
  }
  for (int64_t i = count * kLine; i < units; ++i) {
    Step<rows>(sum, x + i * 4, x_bytes, panel);
    panel += kPanel;
  }
#pragma GCC unroll 16
  for (int r = 0; r < rows; ++r) {
#pragma GCC unroll 16
    for (int c = 0; c < kTileVecs; ++c) {
      float* at = y + r * y_stride + c * kLanes;
      Store(at, add ? Load(at) + sum[r][c] : sum[r][c]);
    }
  }
}

template <int rows>
inline void TileOf(int count, bool copy, const char* x, int64_t x_bytes, int64_t units, const uint32_t* panel,
                   float* y, int64_t y_stride, bool add) {
  if (count == rows) {
    if constexpr (rows > kRowsInSet) {
      if (copy) return Tile<rows, true>(x, x_bytes, units, panel, y, y_stride, add);
    }
    Tile<rows, false>(x, x_bytes, units, panel, y, y_stride, add);
  } else if constexpr (rows > 1) {
    TileOf<rows - 1>(count, copy, x, x_bytes, units, panel, y, y_stride, add);
  }
}

// Whole tiles, except that a small remainder shares with the tile before it: one row alone would wait for its
// own sums.
inline int TileRows(int64_t left) {
  if (left > kTileRows && left < kTileRows + kTileRows / 2) return static_cast<int>((left + 1) / 2);
  return left < kTileRows ? static_cast<int>(left) : kTileRows;
}

// Do more rows of a tile share a set of the first cache than fit there?
inline bool RowsCollide(int64_t x_bytes) {
  int64_t distance = kSetPeriod;  // that in 4 KB after which rows repeat: gcd(x_bytes, 4096), a power of two
  while (x_bytes % distance != 0) distance /= 2;
  const int64_t places = kSetPeriod / distance;
  return (kTileRows + places - 1) / places > kRowsInSet;
}

// All rows with the units begin .. begin + size of K, of which `panel` holds the weights; with `add` on top
// of what y holds.
inline void RunBlock(const void* x, int64_t x_bytes, int64_t rows, int64_t begin, int64_t size,
                     const uint32_t* panel, float* y, int64_t y_stride, bool add) {
  const bool copy = RowsCollide(x_bytes);
  for (int64_t row = 0; row < rows;) {
    const int count = TileRows(rows - row);
    for (int column = 0; column < kPanel; column += kTileColumns) {
      TileOf<kTileRows>(count, copy, Bytes(x) + row * x_bytes + begin * 4, x_bytes, size, panel + column,
                        y + row * y_stride + column, y_stride, add);
    }
    row += count;
  }
}

// The valid columns of results that went to scratch, or of what results are to be added to.
inline void CopyColumns(const float* from, int64_t from_stride, int64_t rows, int columns, float* to,
                        int64_t to_stride) {
  for (int64_t row = 0; row < rows; ++row) {
    for (int column = 0; column < columns; ++column)
      to[row * to_stride + column] = from[row * from_stride + column];
  }
}

// Blocks of K outermost: a block's part of the panel (64 or 128 KB) stays in the second cache while all rows
// pass. With fewer than 32 columns the tiles go to scratch, of which the valid columns are copied.
template <bool onto>
void RunTo(const void* x, int64_t x_stride, int64_t rows, int64_t k, const void* panel_any, float* y,
           int64_t y_stride, int columns, void* scratch) {
  const int64_t x_bytes = x_stride * (kPairs ? 2 : 4);
  const int64_t units = (k + kUnitElements - 1) / kUnitElements;
  const auto* panel = static_cast<const uint32_t*>(panel_any);
  float* out = columns == kPanel ? y : static_cast<float*>(scratch);
  const int64_t out_stride = columns == kPanel ? y_stride : kPanel;
  if (onto && columns != kPanel) CopyColumns(y, y_stride, rows, columns, out, out_stride);
  for (int64_t begin = 0; begin == 0 || begin < units; begin += kBlockUnits) {
    const int64_t size = units - begin < kBlockUnits ? units - begin : kBlockUnits;
    RunBlock(x, x_bytes, rows, begin, size, panel + begin * kPanel, out, out_stride, onto || begin > 0);
  }
  if (columns != kPanel) CopyColumns(out, out_stride, rows, columns, y, y_stride);
}

size_t ScratchBytes(int64_t rows, int64_t) {
  const int64_t widened = kPairs ? 0 : kBlockK * kPanel;  // of run_packed
  return static_cast<size_t>(widened + rows * kPanel) * sizeof(float);
}

// The table's own multiply-add on registers alone, as many chains as the tile has accumulators.
double PeakLoop(int64_t iterations) {
  constexpr int kChains = kTileRows * kTileVecs;
  Vec sum[kChains];
#pragma GCC unroll 32
  for (int i = 0; i < kChains; ++i) sum[i] = static_cast<float>(i) - Vec{};
  const uint32_t half = kPairs ? 0x3F003F00u : 0x3F000000u;
  Vec a = Splat(&half);
  for (int64_t repeat = 0; repeat < iterations; ++repeat) {
#pragma GCC unroll 32
    for (int i = 0; i < kChains; ++i) {
      sum[i] = MulAdd(sum[i], a, a);
      Keep(sum[i]);  // or the compiler would sum up the loop by itself
    }
    Keep(a);
  }
  float total = 0.0f;
#pragma GCC unroll 32
  for (int i = 0; i < kChains; ++i) total += sum[i][0];
  const double operations = 2.0 * kUnitElements * kLanes * kChains;
  return total == -1.0f ? 0.0 : operations * static_cast<double>(iterations);
}

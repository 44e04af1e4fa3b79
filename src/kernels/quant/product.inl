// The product of a panel with rounded rows, written once for all vector tables. The including file defines,
// in its unnamed namespace,
//
//   Int, Vec            kLanes int32 or float
//   kTileRows, kTileVecs   rows and vectors of columns of a tile: its integer sums stay in registers
//   kFloatRows          tiles of up to so many rows keep their float sums there, too; others in scratch
//   kVecsOf<wide, rows> vectors of columns of a tile of so many rows, up to all of a panel: few rows have the
//                       registers to read a panel's lines whole
//   kTallRows           so few rows in all are one tile, so that weights are streamed once
//   LoadFloat, StoreFloat, SplatFloat, SplatInt, ToFloat(Int)
//   MulAdd(sum, a, b)   fused
//   kRowForm<format>    bytes a value of the form that rows come in: their values, or a table's own, made by
//                       Widen<format>(x, rows, k, to), WidenedBytes<format>(k), with
//                       StartWidened<format>(x, rows, k, starts): what GroupSums leaves on its sums for many
//                       rows
//   kWidens<format, rows>  rows take another form in a tile, of up to two bytes a value, by
//                       WidenRows<rows>(x, x_stride, bytes, to, to_stride), which may prefetch the next block
//   kBlockGroups        groups of K that all rows pass before the next ones
//   kOffset<format>     what GroupSums leaves on the weights: starts of the sums take it off
//   kUnpacks            for many rows a block of the panel is first taken apart ("wide"):
//   kWideFactor<format> into so many times its bytes and kWideExtra<format> a group, by
//                       UnpackPanel<format>(from, bytes, to), for tiles of
//   kWideRows<format>   rows
//   GroupSums<format, wide, rows>(sums, x, x_bytes, panel, steps)   adds u * x over 8 `steps` values of K
//   PeakStep<format>(sum, a), Keep(Int&), kPeakOperations<format>, kName8, kName4
//   Round               of QuantKernel
//
// The integer sums are exact and the float sums follow the groups in order by fused multiply-adds, so tiles,
// blocks and tables all give the same bits.

static_assert(kPanel % (kLanes * kTileVecs) == 0);

constexpr int64_t kLineBytes = 64;
constexpr int64_t kBlock = kBlockGroups * kQuantGroup;
constexpr int64_t kLargestBlock = kBlock + kQuantGroup;  // a lone last group does not make a block of its own
constexpr int64_t kWidenedBytes = 2 * kLargestBlock + kLineBytes;  // of a row; not a multiple of 4 KB

constexpr int64_t kUnpackRows = 24;  // from here on, unpacking once is cheaper than in every tile

template <QuantFormat format, bool wide = false>
constexpr int64_t kStepBytes = (wide ? kWideFactor<format> : 1) * kQuantAlign* kPanel /
                               (format == QuantFormat::kQ8 ? 1 : 2);

// Rows of one tile against one block of K.
struct TileJob {
  const char* x;
  int64_t x_stride;
  const int32_t* starts;  // of the block's first group: -offset * sum of the row's values
  const float* x_scales;  // of the block's first group
  int64_t groups;         // of all of K: a row's starts and scales
  const uint8_t* panel;
  const float* scales;
  int64_t depth;  // of the block, a multiple of kQuantAlign
  float* acc;     // [rows][kPanel]
  bool fresh;     // acc is not to be read: sums begin at zero
  char* widened;
  const uint8_t* next;  // of the panel, which a group asks for `next_lines` lines of; advances
  int64_t next_lines;
};

// Weights of the next block into the second cache, in the shade of this block's products.
inline void AskForNext(TileJob& job) {
  for (int64_t line = 0; line < job.next_lines; ++line) {
    __builtin_prefetch(job.next, 0, 2);
    job.next += kLineBytes;
  }
}

// A group of rows that were widened before, by parts, one for each pass over the panel's columns.
template <int rows, int vecs>
inline void AskForRows(const char* x, int64_t x_bytes, int column) {
  constexpr int64_t kPart = 2 * kQuantGroup * kLanes * vecs / kPanel;
  const int64_t begin = column / (kLanes * vecs) * kPart;
#pragma GCC unroll 16
  for (int r = 0; r < rows; ++r) {
#pragma GCC unroll 4
    for (int64_t at = 0; at < kPart; at += kLineBytes) __builtin_prefetch(x + r * x_bytes + begin + at);
  }
}

template <int rows, int vecs>
inline void LoadTile(const float* from, Vec (&acc)[rows][vecs]) {
#pragma GCC unroll 16
  for (int r = 0; r < rows; ++r) {
#pragma GCC unroll 4
    for (int c = 0; c < vecs; ++c) acc[r][c] = LoadFloat(from + r * kPanel + c * kLanes);
  }
}

template <int rows, int vecs>
inline void ClearTile(Vec (&acc)[rows][vecs]) {
#pragma GCC unroll 16
  for (int r = 0; r < rows; ++r) {
#pragma GCC unroll 4
    for (int c = 0; c < vecs; ++c) acc[r][c] = SplatFloat(0.0f);
  }
}

template <int rows, int vecs>
inline void StoreTile(const Vec (&acc)[rows][vecs], float* to) {
#pragma GCC unroll 16
  for (int r = 0; r < rows; ++r) {
#pragma GCC unroll 4
    for (int c = 0; c < vecs; ++c) StoreFloat(to + r * kPanel + c * kLanes, acc[r][c]);
  }
}

template <QuantFormat format, bool wide, int rows>
void Tile(TileJob& job) {
  constexpr int vecs = kVecsOf<wide, rows>;
  const char* x = job.x;
  int64_t x_bytes = job.x_stride;
  if constexpr (kWidens<format, rows>) {
    WidenRows<rows>(reinterpret_cast<const int8_t*>(job.x), job.x_stride, job.depth, job.widened,
                    kWidenedBytes);
    x = job.widened;
    x_bytes = kWidenedBytes;
  }
  for (int column = 0; column < kPanel; column += kLanes * vecs) {
    const uint8_t* panel = job.panel + column * 4;
    const float* scales = job.scales + column;
    const int32_t* starts = job.starts;
    const float* x_scales = job.x_scales;
    float* out = job.acc + column;
    const int64_t groups = job.groups;
    if constexpr (rows > kFloatRows && wide) {
#pragma GCC unroll 16
      for (int r = 0; r < rows; ++r) __builtin_prefetch(out + r * kPanel, 1);
    }
    Vec acc[rows][vecs];
    if constexpr (rows <= kFloatRows) {
      if (job.fresh) {
        ClearTile(acc);
      } else {
        LoadTile(out, acc);
      }
    }
    for (int64_t left = job.depth; left > 0; left -= kQuantGroup) {
      Int sum[rows][vecs];
#pragma GCC unroll 16
      for (int r = 0; r < rows; ++r) {
        const Int start = SplatInt(starts[r * groups]);
#pragma GCC unroll 4
        for (int c = 0; c < vecs; ++c) sum[r][c] = start;
      }
      if (column == 0) AskForNext(job);
      if constexpr (kRowForm<format> != 1)
        AskForRows<rows, vecs>(x + (wide ? rows * x_bytes : kBlock * kRowForm<format>), x_bytes, column);
      GroupSums<format, wide, rows>(sum, x, x_bytes, panel,
                                    (left < kQuantGroup ? left : kQuantGroup) / kQuantAlign);
      Vec scale[vecs];
#pragma GCC unroll 4
      for (int c = 0; c < vecs; ++c) scale[c] = LoadFloat(scales + c * kLanes);
#pragma GCC unroll 16
      for (int r = 0; r < rows; ++r) {
        const Vec x_scale = SplatFloat(x_scales[r * groups]);
        float* to = out + r * kPanel;
        Vec result[vecs];  // stored together: the compiler would read scales again behind each store
#pragma GCC unroll 4
        for (int c = 0; c < vecs; ++c) {
          const Vec before = rows <= kFloatRows ? acc[r][c] : LoadFloat(to + c * kLanes);
          result[c] = MulAdd(before, scale[c] * x_scale, ToFloat(sum[r][c]));
        }
#pragma GCC unroll 4
        for (int c = 0; c < vecs; ++c) {
          if constexpr (rows <= kFloatRows) {
            acc[r][c] = result[c];
          } else {
            StoreFloat(to + c * kLanes, result[c]);
          }
        }
      }
      x += kQuantGroup * kRowForm<format>;
      panel += kQuantGroup / kQuantAlign * kStepBytes<format, wide> + (wide ? kWideExtra<format> : 0);
      scales += kPanel;
      ++starts;
      ++x_scales;
      if constexpr (rows > kFloatRows) __asm__("" : "+r"(out));  // or the compiler would try it all the same
    }
    if constexpr (rows <= kFloatRows) StoreTile(acc, out);
    x -= (job.depth + kQuantGroup - 1) / kQuantGroup * kQuantGroup * kRowForm<format>;
  }
}

template <QuantFormat format, bool wide, int rows>
inline void TileOf(int count, TileJob& job) {
  if (count == rows) {
    Tile<format, wide, rows>(job);
  } else if constexpr (rows > 1) {
    TileOf<format, wide, rows - 1>(count, job);
  }
}

// Tiles of about equal height: a row alone would wait for its own sums.
inline int TileRows(int64_t left, int64_t most) {
  if (left >= 2 * most) return static_cast<int>(most);
  const int64_t tiles = (left + most - 1) / most;
  return static_cast<int>((left + tiles - 1) / tiles);
}

inline void Finish(const float* acc, int count, const QuantOut& out, int64_t row) {
  for (int r = 0; r < count; ++r) {
    float* to = out.y + (row + r) * out.stride;
    int column = 0;
    for (; column + kLanes <= out.columns; column += kLanes) {
      const Vec v = LoadFloat(acc + r * kPanel + column);
      StoreFloat(to + column, out.adds ? LoadFloat(to + column) + v : v);
    }
    for (; column < out.columns; ++column) {
      const float v = acc[r * kPanel + column];
      to[column] = out.adds ? to[column] + v : v;
    }
  }
}

template <QuantFormat format>
void Run(const QuantRows& x, int64_t rows, int64_t k, const QuantPanel& panel, const QuantOut& out,
         void* scratch) {
  const int64_t depth = QuantPaddedK(k);
  const int64_t groups = QuantGroups(k);
  auto* acc = static_cast<float*>(scratch);
  auto* starts = reinterpret_cast<int32_t*>(acc + rows * kPanel);
  auto* widened = reinterpret_cast<char*>(acc + rows * kPanel + (rows * groups + 15) / 16 * 16);
  auto* unpacked =
      reinterpret_cast<uint8_t*>(widened + (kWidens<format, kTallRows> ? kTallRows * kWidenedBytes : 0));
  const bool unpacks = kUnpacks && rows >= kUnpackRows;
  const int64_t tile_rows = unpacks ? kWideRows<format> : kTileRows;
  for (int64_t i = 0; i < rows * groups; ++i) starts[i] = -kOffset<format> * x.sums[i];
  const char* from = reinterpret_cast<const char*>(x.values);
  int64_t from_stride = x.stride;
  if constexpr (kRowForm<format> != 1) {
    from = x.widened;
    from_stride = WidenedBytes<format>(k);
    if (unpacks) StartWidened<format>(x, rows, k, starts);
  }
  // Tiles with their float sums in registers begin with zeros by themselves.
  if (kFloatRows < kTileRows || rows <= kTallRows)
    __builtin_memset(acc, 0, static_cast<size_t>(rows * kPanel) * sizeof(float));
  for (int64_t begin = 0, block_depth = 0; begin < depth; begin += block_depth) {
    const int64_t group = begin / kQuantGroup;
    const int64_t left = depth - begin;
    const bool last = left <= kLargestBlock;
    block_depth = last ? left : kBlock;
    // The next block of this panel, or the first one of the next.
    const uint8_t* next =
        last ? panel.next : panel.values + (begin + kBlock) / kQuantAlign * kStepBytes<format>;
    const int64_t ahead = last ? depth : left - kBlock;
    const int64_t next_depth = next == nullptr || rows <= kTallRows ? 0
                               : ahead <= kLargestBlock             ? ahead
                                                                    : kBlock;
    const int64_t visits =
        (rows + tile_rows - 1) / tile_rows * ((block_depth + kQuantGroup - 1) / kQuantGroup);
    const int64_t next_lines =
        (next_depth / kQuantAlign * kStepBytes<format> / kLineBytes + visits - 1) / visits;
    const uint8_t* block = panel.values + begin / kQuantAlign * kStepBytes<format>;
    if (unpacks) {
      UnpackPanel<format>(block, block_depth / kQuantAlign * kStepBytes<format>, unpacked);
      block = unpacked;
    }
    for (int64_t row = 0; row < rows;) {
      const int count = rows <= kTallRows ? static_cast<int>(rows) : TileRows(rows - row, tile_rows);
      TileJob job{from + row * from_stride + begin * kRowForm<format>,
                  from_stride,
                  starts + row * groups + group,
                  x.scales + row * groups + group,
                  groups,
                  block,
                  panel.scales + group * kPanel,
                  block_depth,
                  acc + row * kPanel,
                  begin == 0,
                  widened,
                  next,
                  next_lines};
      if (last) {
        for (int r = 0; r < count; ++r) {
          __builtin_prefetch(out.y + (row + r) * out.stride, 1);
          __builtin_prefetch(out.y + (row + r) * out.stride + out.columns - 1, 1);
        }
      }
      if (unpacks) {
        TileOf<format, kUnpacks, kWideRows<format>>(count, job);
      } else {
        TileOf<format, false, kTallRows>(count, job);
      }
      next = job.next;
      if (last) Finish(job.acc, count, out, row);
      row += count;
    }
  }
}

template <QuantFormat format>
size_t ScratchBytes(int64_t rows, int64_t k) {
  const int64_t starts = (rows * QuantGroups(k) + 15) / 16 * 16;
  const int64_t widened = kWidens<format, kTallRows> ? kTallRows * kWidenedBytes : 0;
  const int64_t unpacked = kUnpacks ? kLargestBlock / kQuantAlign * kStepBytes<format, true> +
                                          kLargestBlock / kQuantGroup * kWideExtra<format>
                                    : 0;
  return static_cast<size_t>((rows * kPanel + starts) * 4 + widened + unpacked);
}

// The format's own multiply-add on registers alone, in as many chains as a tile has sums.
template <QuantFormat format>
double PeakLoop(int64_t iterations) {
  constexpr int kChains = kTileRows * kTileVecs;
  Int sum[kChains];
#pragma GCC unroll 32
  for (int i = 0; i < kChains; ++i) sum[i] = SplatInt(i);
  Int a = SplatInt(0x01010101);
  for (int64_t repeat = 0; repeat < iterations; ++repeat) {
#pragma GCC unroll 32
    for (int i = 0; i < kChains; ++i) {
      sum[i] = PeakStep<format>(sum[i], a);
      Keep(sum[i]);  // or the compiler would sum up the loop by itself
    }
    Keep(a);
  }
  Int total = sum[0];
#pragma GCC unroll 32
  for (int i = 1; i < kChains; ++i) total = total ^ sum[i];
  const double operations = kPeakOperations<format> * kChains * static_cast<double>(iterations);
  return total[0] == -1 && iterations < 0 ? 0.0 : operations;
}

constexpr QuantKernel kQ8Table = {kName8,
                                  QuantFormat::kQ8,
                                  Round,
                                  kRowForm<QuantFormat::kQ8> != 1 ? Widen<QuantFormat::kQ8> : nullptr,
                                  kRowForm<QuantFormat::kQ8> != 1 ? WidenedBytes<QuantFormat::kQ8> : nullptr,
                                  Run<QuantFormat::kQ8>,
                                  ScratchBytes<QuantFormat::kQ8>,
                                  PeakLoop<QuantFormat::kQ8>};
constexpr QuantKernel kQ4Table = {kName4,
                                  QuantFormat::kQ4,
                                  Round,
                                  nullptr,
                                  nullptr,
                                  Run<QuantFormat::kQ4>,
                                  ScratchBytes<QuantFormat::kQ4>,
                                  PeakLoop<QuantFormat::kQ4>};

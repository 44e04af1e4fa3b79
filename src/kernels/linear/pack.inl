// Packing of weights and rounding of activations, written once for all tables; included after
// product.inl and packed.inl. The including file also defines, in its unnamed namespace,
//
//   Bits                                  kLanes units of 32 bits
//   Bits UnitsOf(const float*)            kLanes units from row-major values: as they are, or rounded to bf16
//   pairs Bits UnitsOf(const uint16_t* bf16)    likewise: widened to floats, or as they are void
//   Transpose(Bits (&block)[kLanes]) void StoreBits(uint32_t*, Bits)

// As FloatToBf16: to nearest, ties to even; NaN stays NaN; denormals are kept.
inline uint32_t RoundBf16(float value) {
  uint32_t bits;
  __builtin_memcpy(&bits, &value, 4);
  if ((bits & 0x7FFFFFFFu) > 0x7F800000u) return (bits >> 16) | 0x40u;
  return (bits + 0x7FFFu + ((bits >> 16) & 1u)) >> 16;
}
inline uint32_t ToBf16(float value) { return RoundBf16(value); }
inline uint32_t ToBf16(uint16_t bits) { return bits; }
inline uint32_t ToFloatBits(uint16_t bits) { return static_cast<uint32_t>(bits) << 16; }
inline uint32_t ToFloatBits(float value) {
  uint32_t bits;
  __builtin_memcpy(&bits, &value, 4);
  return bits;
}

// Unit `at` of a row of k values; a missing second half is zero.
template <typename Source>
inline uint32_t UnitAt(const Source* row, int64_t at, int64_t k) {
  if constexpr (!kPairs) return ToFloatBits(row[at]);
  const uint32_t high = 2 * at + 1 < k ? ToBf16(row[2 * at + 1]) : 0u;
  return ToBf16(row[2 * at]) | high << 16;
}

// The lines of `size` bytes at some distance behind `from`: 32 rows are more streams than the processor
// follows.
template <size_t size>
inline void Prefetch(const void* from) {
  constexpr size_t kAhead = 512;
  for (size_t at = 0; at < size; at += 64) __builtin_prefetch(Bytes(from) + kAhead + at);
}

// w [rows <= 32][k] -> panel [units][32], in square blocks of kLanes.
template <typename Source>
inline void Pack(const Source* w, int64_t row_stride, int rows, int64_t k, uint32_t* panel) {
  const int64_t whole = k / kUnitElements / kLanes * kLanes;  // units that are read as vectors
  for (int64_t unit = 0; unit < whole; unit += kLanes) {
    for (int first = 0; first < kPanel; first += kLanes) {
      Bits block[kLanes];
#pragma GCC unroll 16
      for (int r = 0; r < kLanes; ++r) {
        const Source* from = w + (first + r) * row_stride + unit * kUnitElements;
        block[r] = first + r < rows ? UnitsOf(from) : Bits{};
        if (first + r < rows) Prefetch<kLanes * kUnitElements * sizeof(Source)>(from);
      }
      Transpose(block);
#pragma GCC unroll 16
      for (int i = 0; i < kLanes; ++i) StoreBits(panel + (unit + i) * kPanel + first, block[i]);
    }
  }
  const int64_t units = (k + kUnitElements - 1) / kUnitElements;
  for (int64_t unit = whole; unit < units; ++unit) {
    for (int r = 0; r < kPanel; ++r) {
      panel[unit * kPanel + r] = r < rows ? UnitAt(w + r * row_stride, unit, k) : 0u;
    }
  }
}

void PackF32(const float* w, int64_t row_stride, int rows, int64_t k, void* panel) {
  Pack(w, row_stride, rows, k, static_cast<uint32_t*>(panel));
}
void PackBf16(const uint16_t* w, int64_t row_stride, int rows, int64_t k, void* panel) {
  Pack(w, row_stride, rows, k, static_cast<uint32_t*>(panel));
}

// x [rows][k], x_stride apart -> bf16 [rows][k rounded up to even].
[[maybe_unused]] void Round(const float* x, int64_t rows, int64_t k, int64_t x_stride, uint16_t* out) {
  const int64_t units = (k + 1) / 2;
  const int64_t whole = k / 2 / kLanes * kLanes;
  for (int64_t row = 0; row < rows; ++row) {
    const float* from = x + row * x_stride;
    uint16_t* to = out + row * units * 2;
    for (int64_t unit = 0; unit < whole; unit += kLanes) {
      const Bits pairs = UnitsOf(from + 2 * unit);
      __builtin_memcpy(to + 2 * unit, &pairs, sizeof pairs);
    }
    for (int64_t i = 2 * whole; i < 2 * units; ++i) {
      to[i] = i < k ? static_cast<uint16_t>(RoundBf16(from[i])) : uint16_t{0};
    }
  }
}

constexpr LinearKernel kTable = {kName,
                                 kPairs ? ComputeType::kBF16 : ComputeType::kF32,
                                 kPairs ? Round : nullptr,
                                 RunTo<false>,
                                 RunTo<true>,
                                 ScratchBytes,
                                 kPairs ? nullptr : WidenPanel,
                                 kPairs ? nullptr : RunPackedTo<false>,
                                 kPairs ? nullptr : RunPackedTo<true>,
                                 PackF32,
                                 PackBf16,
                                 PeakLoop};

// Quantised products with AVX2. 8 bits: VPMADDWD on weights and values widened to 16 bits, exact. 4 bits:
// VPMADDUBSW on nibbles, whose pairs (at most 2 * 15 * 127) leave room to add eight of them in 16 bits.
#include <cstddef>
#include <cstdint>

#include "kernels/quant/quant.h"
#include "kernels/quant/round.h"

#include <immintrin.h>

namespace gatehouse {
namespace {

constexpr const char* kName8 = "avx2/q8";
constexpr const char* kName4 = "avx2/q4";

#include "kernels/quant/avx2.inl"

template <bool wide, int rows>
constexpr int kVecsOf = rows <= 3 && !wide ? 4 : kTileVecs;
template <QuantFormat, int>
constexpr bool kWidens = false;
template <int>
inline void WidenRows(const int8_t*, int64_t, int64_t, char*, int64_t) {}
template <QuantFormat format>
constexpr int32_t kOffset = format == QuantFormat::kQ8 ? 128 : 8;
template <QuantFormat>
constexpr double kPeakOperations = 2.0 * 4 * kLanes;

// A block's part of an unpacked panel (16 KB at 8 bits) stays in the first cache.
constexpr int64_t kBlockGroups = 2;
constexpr bool kUnpacks = true;
// Each line of 32 words becomes two: the weights of all first pairs and of all second ones, or all low and
// all high nibbles.
constexpr int64_t kPartBytes = kPanel * 4;
template <QuantFormat>
constexpr int64_t kWideFactor = 2;

inline void StoreInt(void* at, Int v) { _mm256_storeu_si256(static_cast<Int*>(at), v); }

// Both halves of a line far ahead: the one for the other columns is needed soon after.
inline void AskAhead(const uint8_t* panel) {
  constexpr int64_t kAhead = 2048;
  __builtin_prefetch(panel + kAhead);
  __builtin_prefetch(panel + kAhead + kPartBytes / 2);
}

#include "kernels/quant/avx2_q4.inl"
#include "kernels/quant/avx2_q8.inl"

// Formats differ in all but the frame.
template <QuantFormat format>
constexpr int64_t kRowForm = format == QuantFormat::kQ8 ? kWideRowForm : 1;
template <QuantFormat format>
constexpr int64_t kWideExtra = format == QuantFormat::kQ8 ? kPartBytes : 0;
template <QuantFormat format>
constexpr int kWideRows = format == QuantFormat::kQ8 ? kCrossedRows : kTileRows;

template <QuantFormat format>
inline void UnpackPanel(const uint8_t* from, int64_t bytes, uint8_t* to) {
  format == QuantFormat::kQ8 ? UnpackPairs(from, bytes, to) : UnpackNibbles(from, bytes, to);
}

template <QuantFormat format, bool wide, int rows, int vecs>
inline void GroupSums(Int (&sum)[rows][vecs], const char* x, int64_t x_bytes, const uint8_t* panel,
                      int64_t steps) {
  if constexpr (format == QuantFormat::kQ4) {
    AddNibbleSums<wide>(sum, x, x_bytes, panel, steps);
  } else if constexpr (wide) {
    AddCrossedSums(sum, x, x_bytes, panel, steps);
  } else {
    AddPairSums(sum, x, x_bytes, panel, steps);
  }
}

template <QuantFormat format>
inline Int PeakStep(Int sum, Int a) {
  return format == QuantFormat::kQ8 ? PeakCrossed(sum, a) : AddNibbles(sum, a, a);
}

#include "kernels/quant/product.inl"

}  // namespace

constinit const QuantKernel kAvx2Q8 = kQ8Table;
constinit const QuantKernel kAvx2Q4 = kQ4Table;

}  // namespace gatehouse

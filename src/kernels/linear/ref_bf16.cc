// bfloat16 products in portable C++: operands in bfloat16, sums in float32. Slower than ref/f32; it shows
// what a table of bf16 computes where the processor has no such instruction.
#include <cstddef>
#include <cstdint>

#include "kernels/linear/linear.h"

namespace gatehouse {
namespace {

#include "kernels/linear/ref.inl"

constexpr const char* kName = "ref/bf16";
constexpr bool kPairs = true;

uint32_t RoundPair(const float* from);

inline Vec First(Vec pairs) { return (Vec)((Bits)pairs << 16); }
inline Vec Second(Vec pairs) { return (Vec)((Bits)pairs & 0xFFFF0000u); }
inline Vec MulAdd(Vec sum, Vec x, Vec w) { return (sum + First(x) * First(w)) + Second(x) * Second(w); }

inline Bits UnitsOf(const float* from) {
  return Bits{RoundPair(from), RoundPair(from + 2), RoundPair(from + 4), RoundPair(from + 6)};
}
inline Bits UnitsOf(const uint16_t* from) {
  Bits bits;
  __builtin_memcpy(&bits, from, sizeof bits);
  return bits;
}

#include "kernels/linear/product.inl"

#include "kernels/linear/packed.inl"

#include "kernels/linear/pack.inl"

uint32_t RoundPair(const float* from) { return RoundBf16(from[0]) | RoundBf16(from[1]) << 16; }

}  // namespace

constinit const LinearKernel kRefLinearBf16 = kTable;

}  // namespace gatehouse

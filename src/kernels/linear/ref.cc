// float32 products in portable C++.
#include <cstddef>
#include <cstdint>

#include "kernels/linear/linear.h"

namespace gatehouse {
namespace {

#include "kernels/linear/ref.inl"

constexpr const char* kName = "ref/f32";
constexpr bool kPairs = false;

inline Vec MulAdd(Vec sum, Vec x, Vec w) { return sum + x * w; }
inline Bits UnitsOf(const float* from) {
  Bits bits;
  __builtin_memcpy(&bits, from, sizeof bits);
  return bits;
}
inline Bits UnitsOf(const uint16_t* from) { return Bits{from[0], from[1], from[2], from[3]} << 16; }

#include "kernels/linear/product.inl"

#include "kernels/linear/packed.inl"

#include "kernels/linear/pack.inl"

}  // namespace

constinit const LinearKernel kRefLinearF32 = kTable;

}  // namespace gatehouse

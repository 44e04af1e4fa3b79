// Quantised products with VPDPBUSD on 256-bit vectors (AVX-VNNI: laptops and small servers without AVX-512).
#include <cstddef>
#include <cstdint>

#include "kernels/quant/quant.h"
#include "kernels/quant/round.h"

#include <immintrin.h>

namespace gatehouse {
namespace {

constexpr const char* kName8 = "avx2-vnni/q8";
constexpr const char* kName4 = "avx2-vnni/q4";

#include "kernels/quant/avx2.inl"

// Not the intrinsic, and volatile: see the AVX-512 table.
inline Int Dot(Int sum, Int weights, Int values) {
  __asm__ volatile("%{vex%} vpdpbusd %2, %1, %0" : "+x"(sum) : "x"(weights), "x"(values));
  return sum;
}

#include "kernels/quant/vnni.inl"

#include "kernels/quant/product.inl"

}  // namespace

constinit const QuantKernel kAvx2VnniQ8 = kQ8Table;
constinit const QuantKernel kAvx2VnniQ4 = kQ4Table;

}  // namespace gatehouse

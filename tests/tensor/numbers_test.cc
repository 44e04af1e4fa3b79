// Numbers of 8 and 16 bits, against their definitions in arithmetic of float64.
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <random>

#include "tensor/tensor.h"

namespace gatehouse {
namespace {

// IEEE 754's binary16: sign, five bits of exponent with bias 15, ten of mantissa.
double HalfByDefinition(int bits) {
  const int exponent = bits >> 10 & 31, mantissa = bits & 1023;
  double magnitude = exponent == 0 ? std::ldexp(mantissa, -24) : std::ldexp(1024 + mantissa, exponent - 25);
  if (exponent == 31) magnitude = mantissa == 0 ? std::numeric_limits<double>::infinity() : std::nan("");
  return bits & 0x8000 ? -magnitude : magnitude;
}

TEST(Half, EveryBitPattern) {
  for (int bits = 0; bits < 65536; ++bits) {
    const double expected = HalfByDefinition(bits);
    const float value = F16ToFloat(static_cast<uint16_t>(bits));
    if (std::isnan(expected)) {
      EXPECT_TRUE(std::isnan(value)) << bits;
      EXPECT_TRUE(std::isnan(F16ToFloat(FloatToF16(value)))) << bits;
    } else {
      EXPECT_EQ(value, expected) << bits;
      EXPECT_EQ(std::signbit(value), (bits & 0x8000) != 0) << bits;
      EXPECT_EQ(FloatToF16(value), bits);
    }
  }
}

// The magnitude of 16 bits nearest to a magnitude, of two as near the even one. widen: what bits stand for,
// in order.
template <typename Widen>
int Nearest(double magnitude, int infinity, double past_largest, Widen widen) {
  int low = 0, high = infinity;  // widen(low) <= magnitude < widen(high)
  while (high - low > 1) {
    const int middle = (low + high) / 2;
    (widen(middle) <= magnitude ? low : high) = middle;
  }
  const double above = high == infinity ? past_largest : widen(high);
  const double down = magnitude - widen(low), up = above - magnitude;
  return down < up || (down == up && low % 2 == 0) ? low : high;
}

std::vector<float> ManyFloats() {
  std::vector<float> out = {0.0f,     1.0f,          65504.0f,      65519.996f,    65520.0f,
                            65536.0f, 1e30f,         3e-8f,         2.9802322e-8f, 2.9802326e-8f,
                            1e-45f,   3.4028235e38f, 3.3895314e38f, 3.3961776e38f, 3.39617752923e38f};
  std::mt19937 random(3);
  for (int i = 0; i < 100000; ++i) {
    const auto bits = static_cast<uint32_t>(random()) & 0x7FFFFFFFu;
    if (bits < 0x7F800000u) out.push_back(std::bit_cast<float>(bits));
    // Near the range of binary16, and exactly between two of its neighbours.
    const int half = static_cast<int>(random() % 0x7C00);
    const double between = half == 0x7BFF ? 65520 : (HalfByDefinition(half) + HalfByDefinition(half + 1)) / 2;
    out.push_back(static_cast<float>(between));
    out.push_back(std::nextafter(static_cast<float>(between), 0.0f));
    out.push_back(std::nextafter(static_cast<float>(between), 1e9f));
    // Exactly between two neighbours of BF16.
    out.push_back(std::bit_cast<float>((bits & 0x7F7F0000u) | 0x8000u));
  }
  return out;
}

TEST(Half, RoundsToTheNearestAndTiesToEven) {
  for (const float value : ManyFloats()) {
    const int expected = value >= 65520.0f ? 0x7C00 : Nearest(value, 0x7C00, 65536.0, HalfByDefinition);
    ASSERT_EQ(FloatToF16(value), expected) << value;
    ASSERT_EQ(FloatToF16(-value), expected | 0x8000) << value;
  }
}

TEST(Bf16, RoundsToTheNearestAndTiesToEven) {
  const auto widen = [](int bits) { return double{std::bit_cast<float>(static_cast<uint32_t>(bits) << 16)}; };
  for (const float value : ManyFloats()) {
    const int expected = Nearest(value, 0x7F80, std::ldexp(1.0, 128), widen);
    ASSERT_EQ(FloatToBf16(value), expected) << value;
    ASSERT_EQ(FloatToBf16(-value), expected | 0x8000) << value;
  }
  for (int bits = 0; bits < 65536; ++bits) {
    const float value = Bf16ToFloat(static_cast<uint16_t>(bits));
    EXPECT_TRUE(std::isnan(value) || FloatToBf16(value) == bits) << bits;
  }
}

// Not even a payload that lies in the lower bits alone may become an infinity.
TEST(Bf16, NaNStaysNaN) {
  for (const uint32_t bits : {0x7F800001u, 0x7FBFFFFFu, 0x7FC00000u, 0x7FFFFFFFu, 0xFF800001u, 0xFFFFFFFFu}) {
    EXPECT_TRUE(std::isnan(Bf16ToFloat(FloatToBf16(std::bit_cast<float>(bits))))) << bits;
    EXPECT_TRUE(std::isnan(F16ToFloat(FloatToF16(std::bit_cast<float>(bits))))) << bits;
  }
}

// OCP's definition: sign, four bits of exponent with bias 7, three of mantissa; all ones is no number.
TEST(Float8, EveryBitPattern) {
  for (int bits = 0; bits < 256; ++bits) {
    const int exponent = bits >> 3 & 15, mantissa = bits & 7;
    const double magnitude =
        exponent == 0 ? std::ldexp(mantissa, -9) : std::ldexp(8 + mantissa, exponent - 10);
    const float value = F8E4M3ToFloat(static_cast<uint8_t>(bits));
    if ((bits & 127) == 127) {
      EXPECT_TRUE(std::isnan(value));
    } else {
      EXPECT_EQ(value, bits & 128 ? -magnitude : magnitude) << bits;
      EXPECT_EQ(std::signbit(value), (bits & 128) != 0) << bits;
    }
  }
  EXPECT_EQ(F8E4M3ToFloat(0x7E), 448.0f);  // the largest
}

}  // namespace
}  // namespace gatehouse

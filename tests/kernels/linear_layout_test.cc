// Packing, rounding and strides of the linear kernels: bit for bit what linear.h says, from every kind of
// source.
#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>
#include <limits>
#include <memory>
#include <random>
#include <vector>

#include "base/cpu.h"
#include "kernels/linear/linear.h"
#include "kernels/tables.h"
#include "tensor/tensor.h"

namespace gatehouse {
namespace {

std::vector<const LinearKernel*> Tables() { return LinearTables(DetectIsa()); }

float FromBits(uint32_t bits) {
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

// Random bits (every exponent, infinities, NaN, denormals), and the ties and limits of rounding.
std::vector<float> AnyFloats(size_t count, unsigned seed) {
  std::mt19937 random(seed);
  std::vector<float> out = {0.0f,
                            -0.0f,
                            FromBits(0x3F808000),  // a tie: down to even
                            FromBits(0x3F818000),  // a tie: up to even
                            FromBits(0x3F808001),
                            FromBits(0x7F7FFFFF),  // the largest: up to infinity
                            FromBits(0x7F800000),
                            FromBits(0xFF800000),
                            FromBits(0x7F800001),  // a NaN whose high half alone would be infinity
                            FromBits(0xFFFFFFFF),
                            FromBits(0x00000001),
                            FromBits(0x80018000)};
  while (out.size() < count) out.push_back(FromBits(static_cast<uint32_t>(random())));
  out.resize(count);
  return out;
}

TEST(LinearLayout, RoundsAsFloatToBf16) {
  for (const LinearKernel* kernel : Tables()) {
    if (kernel->compute != ComputeType::kBF16) {
      EXPECT_EQ(kernel->round, nullptr) << kernel->name;
      continue;
    }
    for (const int64_t k : {1, 2, 15, 31, 32, 33, 64, 1000, 1023}) {
      constexpr int64_t kRows = 3;
      const int64_t stride = k + 5, padded = (k + 1) / 2 * 2;
      const std::vector<float> x = AnyFloats(static_cast<size_t>(kRows * stride), static_cast<unsigned>(k));
      std::vector<uint16_t> out(static_cast<size_t>(kRows * padded + 1), 0xABCD);
      kernel->round(x.data(), kRows, k, stride, out.data());
      for (int64_t row = 0; row < kRows; ++row) {
        for (int64_t i = 0; i < padded; ++i) {
          const uint16_t expected =
              i < k ? FloatToBf16(x[static_cast<size_t>(row * stride + i)]) : uint16_t{0};
          ASSERT_EQ(out[static_cast<size_t>(row * padded + i)], expected)
              << kernel->name << " k " << k << " at " << i;
        }
      }
      EXPECT_EQ(out.back(), 0xABCD) << kernel->name << " wrote behind the end";
    }
  }
}

// Every value of a panel where linear.h puts it, missing rows zero, nothing behind the panel.
TEST(LinearLayout, PanelsHoldEveryValueInItsPlace) {
  for (const LinearKernel* kernel : Tables()) {
    const bool pairs = kernel->compute == ComputeType::kBF16;
    for (const int64_t k : {1, 2, 3, 7, 16, 31, 32, 33, 63, 130}) {
      for (const int rows : {1, 3, 15, 16, 17, 31, 32}) {
        const int64_t stride = k + 3, padded = pairs ? (k + 1) / 2 * 2 : k;
        const std::vector<float> w =
            AnyFloats(static_cast<size_t>(rows * stride), static_cast<unsigned>(k * 40 + rows));
        std::vector<uint16_t> bits;
        for (const float value : w) bits.push_back(FloatToBf16(value));
        const size_t bytes = static_cast<size_t>(padded * kPanel) * (pairs ? 2 : 4);
        for (const bool from_bf16 : {false, true}) {
          std::vector<char> panel(bytes + 64, 'x');
          if (from_bf16) {
            kernel->pack_bf16(bits.data(), stride, rows, k, panel.data());
          } else {
            kernel->pack_f32(w.data(), stride, rows, k, panel.data());
          }
          for (int64_t i = 0; i < padded; ++i) {
            for (int row = 0; row < kPanel; ++row) {
              const bool present = row < rows && i < k;
              const size_t source = present ? static_cast<size_t>(row * stride + i) : 0;
              uint32_t expected = 0, found = 0;
              if (pairs) {
                expected = present ? bits[source] : 0;
                std::memcpy(&found, panel.data() + ((i / 2 * kPanel + row) * 2 + i % 2) * 2, 2);
              } else {
                if (present && from_bf16) expected = static_cast<uint32_t>(bits[source]) << 16;
                if (present && !from_bf16) std::memcpy(&expected, &w[source], 4);
                std::memcpy(&found, panel.data() + (i * kPanel + row) * 4, 4);
              }
              ASSERT_EQ(found, expected)
                  << kernel->name << " rows " << rows << " k " << k << " row " << row << " at " << i;
            }
          }
          for (size_t at = bytes; at < panel.size(); ++at)
            ASSERT_EQ(panel[at], 'x') << "wrote behind the panel";
        }
      }
    }
  }
}

// Rows a multiple of 4 KB apart take another path through the first cache; the result is the same bits.
TEST(LinearLayout, TheStrideOfXChangesNothing) {
  constexpr int64_t kRows = 31, kDepth = 1100;
  std::mt19937 random(5);
  std::uniform_real_distribution<float> value(-1.0f, 1.0f);
  std::vector<float> x(kRows * kDepth), w(kPanel * kDepth);
  for (float& one : x) one = value(random);
  for (float& one : w) one = value(random);
  for (const LinearKernel* kernel : Tables()) {
    const bool pairs = kernel->compute == ComputeType::kBF16;
    const size_t element = pairs ? 2 : 4;
    std::vector<uint16_t> rounded(kRows * kDepth);
    if (pairs) kernel->round(x.data(), kRows, kDepth, kDepth, rounded.data());
    const char* compact =
        pairs ? reinterpret_cast<const char*>(rounded.data()) : reinterpret_cast<const char*>(x.data());
    std::vector<float> panel(kPanel * kDepth), scratch(kernel->scratch_bytes(kRows, kDepth) / 4 + 16);
    kernel->pack_f32(w.data(), kDepth, kPanel, kDepth, panel.data());
    std::vector<float> expected;
    for (const int64_t stride : {kDepth, kDepth + 1, int64_t{1536}, int64_t{2048}, int64_t{4096}}) {
      std::vector<char> spread(static_cast<size_t>(kRows * stride) * element);
      for (int64_t row = 0; row < kRows; ++row) {
        std::memcpy(spread.data() + static_cast<size_t>(row * stride) * element,
                    compact + static_cast<size_t>(row * kDepth) * element, kDepth * element);
      }
      std::vector<float> y(kRows * kPanel);
      kernel->run(spread.data(), stride, kRows, kDepth, panel.data(), y.data(), kPanel, kPanel,
                  scratch.data());
      if (expected.empty()) expected = y;
      ASSERT_EQ(std::memcmp(y.data(), expected.data(), y.size() * 4), 0)
          << kernel->name << " stride " << stride;
    }
  }
}

TEST(LinearLayout, InfinityAndNanReachTheOutputsOfTheirRowAlone) {
  constexpr int64_t kRows = 13, kDepth = 70;
  for (const LinearKernel* kernel : Tables()) {
    std::vector<float> x(kRows * kDepth, 1.0f), w(kPanel * kDepth, 0.5f), panel(w.size());
    x[3 * kDepth + 69] = std::numeric_limits<float>::infinity();
    x[7 * kDepth] = std::numeric_limits<float>::quiet_NaN();
    std::vector<uint16_t> rounded(x.size());
    if (kernel->round != nullptr) kernel->round(x.data(), kRows, kDepth, kDepth, rounded.data());
    const void* input = kernel->round != nullptr ? static_cast<const void*>(rounded.data()) : x.data();
    std::vector<float> y(kRows * kPanel), scratch(kernel->scratch_bytes(kRows, kDepth) / 4 + 16);
    kernel->pack_f32(w.data(), kDepth, kPanel, kDepth, panel.data());
    kernel->run(input, kDepth, kRows, kDepth, panel.data(), y.data(), kPanel, kPanel, scratch.data());
    for (int64_t row = 0; row < kRows; ++row) {
      for (int64_t column = 0; column < kPanel; ++column) {
        const float found = y[static_cast<size_t>(row * kPanel + column)];
        if (row == 3) {
          EXPECT_EQ(found, std::numeric_limits<float>::infinity()) << kernel->name;
        } else if (row == 7) {
          EXPECT_NE(found, found) << kernel->name;
        } else {
          EXPECT_EQ(found, 35.0f) << kernel->name << " row " << row;
        }
      }
    }
  }
}

}  // namespace
}  // namespace gatehouse

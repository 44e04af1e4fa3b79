// What the conformance suite runs every backend through: which backends, and matrices on them. A new backend
// joins by a line in Kinds().
//
//   class Products : public test::Conformance {};
//   TEST_P(Products, ...) { const Mat x = Put(values); backend().Linear(...); ExpectNear(Get(y), want, ...);
//   }
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "backend/backend.h"
#include "backend/reference_ops.h"

namespace gatehouse::test {

struct Kind {
  std::string name;  // of the test, letters and underscores
  std::string isa;   // GATEHOUSE_ISA, or empty
  bool guarded = false;
  bool f32 = true;
  bool kv_int8 = false;
  int threads = 2;

  // Of products, by the largest value that is expected: BF16 has 8 bits, and inputs of rounded weights too.
  double product_tolerance(bool rounded = false) const { return f32 ? 2e-5 : rounded ? 3e-2 : 1e-2; }
  double attention_tolerance() const { return kv_int8 ? 3e-2 : f32 ? 2e-5 : 2e-2; }
};

// The CPU on each instruction set that this machine has, in float32, in BF16 and with keys of 8 bits; and the
// guarded backend.
std::vector<Kind> Kinds();
std::unique_ptr<Backend> MakeBackend(const Kind& kind);

// One backend, within a pass that is ended, without an error, when the test is over.
class Conformance : public testing::TestWithParam<Kind> {
 protected:
  void SetUp() override;
  void TearDown() override;

  Backend& backend() { return *backend_; }
  Mat Make(int64_t rows, int64_t cols, DType type = DType::kF32);
  Mat Put(const Matrix& values);
  Mat Put(const std::vector<int32_t>& numbers);
  Matrix Get(const Mat& mat);
  std::unique_ptr<DeviceWeight> Weight(const Matrix& values);  // plain rows in float32
  std::unique_ptr<DeviceWeight> Table(const Matrix& values);
  Matrix Random(int64_t rows, int64_t cols, float size = 1.0f);
  int Number(int low, int high) { return std::uniform_int_distribution<int>(low, high)(random_); }

  std::mt19937 random_{7};

 private:
  std::unique_ptr<Backend> backend_;
  std::vector<std::unique_ptr<DeviceBuffer>> buffers_;
  std::optional<PassScope> pass_;
};

// Each value within `tolerance` times the largest expected one.
void ExpectNear(const Matrix& got, const Matrix& want, double tolerance, const std::string& what);

WeightView PlainView(const Matrix& values);  // which must outlive it

#define GATEHOUSE_FOR_ALL_BACKENDS(suite)                                     \
  INSTANTIATE_TEST_SUITE_P(Backends, suite, testing::ValuesIn(test::Kinds()), \
                           [](const auto& tested) { return tested.param.name; })

}  // namespace gatehouse::test

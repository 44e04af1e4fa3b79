#include "backend/conformance.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <stdexcept>

#include "backend/create.h"
#include "backend/guarded_backend.h"
#include "base/cpu.h"

namespace gatehouse::test {

std::vector<Kind> Kinds() {
  std::vector<Kind> out = {{.name = "guarded", .isa = "", .guarded = true}};
  const Isa best = DetectIsa();
  for (const Isa isa : {Isa::kRef, Isa::kAvx2, Isa::kAvx512, Isa::kAvx512Bf16, Isa::kNeon, Isa::kNeonDotprod,
                        Isa::kNeonI8mm, Isa::kNeonBf16}) {
    if (!Includes(best, isa)) continue;
    std::string name = IsaName(isa);
    std::replace(name.begin(), name.end(), '-', '_');
    out.push_back({.name = name + "_f32", .isa = IsaName(isa)});
    out.push_back({.name = name + "_bf16", .isa = IsaName(isa), .f32 = false});
    out.push_back({.name = name + "_int8", .isa = IsaName(isa), .f32 = false, .kv_int8 = true, .threads = 1});
  }
  return out;
}

std::unique_ptr<Backend> MakeBackend(const Kind& kind) {
  if (kind.guarded) return MakeGuardedBackend();
  ::setenv("GATEHOUSE_ISA", kind.isa.c_str(), 1);
  auto made = CreateBackend({.threads = kind.threads, .f32 = kind.f32, .kv_int8 = kind.kv_int8});
  ::unsetenv("GATEHOUSE_ISA");
  if (!made.ok()) throw std::runtime_error(made.error().Message());
  return std::move(made).value();
}

void Conformance::SetUp() {
  backend_ = MakeBackend(GetParam());
  pass_.emplace(*backend_);
}

void Conformance::TearDown() {
  const Result<void> end = pass_->End();
  EXPECT_TRUE(end.ok()) << end.error().Message();
  pass_.reset();
}

Mat Conformance::Make(int64_t rows, int64_t cols, DType type) {
  // Something before and behind, so that offsets count.
  constexpr int64_t kBefore = 32;
  auto buffer = backend_->Allocate(rows * cols + 2 * kBefore, type);
  if (!buffer.ok()) throw std::runtime_error(buffer.error().Message());
  buffers_.push_back(std::move(buffer).value());
  return {buffers_.back().get(), kBefore, rows, cols, type};
}

Mat Conformance::Put(const Matrix& values) {
  const Mat out = Make(values.rows, values.cols);
  backend_->Upload(values.values, out);
  return out;
}

Mat Conformance::Put(const std::vector<int32_t>& numbers) {
  const Mat out = Make(static_cast<int64_t>(numbers.size()), 1, DType::kI32);
  backend_->Upload(numbers, out);
  return out;
}

Matrix Conformance::Get(const Mat& mat) {
  Matrix out(mat.rows, mat.cols);
  backend_->Download(mat, out.values.data());
  return out;
}

std::unique_ptr<DeviceWeight> Conformance::Table(const Matrix& values) {
  return std::move(backend_->LoadTable(PlainView(values))).value();
}

std::unique_ptr<DeviceWeight> Conformance::Weight(const Matrix& values) {
  auto kept = std::make_shared<Matrix>(values);
  WeightView view = PlainView(*kept);
  view.owner = kept;
  return std::move(backend_->LoadWeight(std::move(view))).value();
}

Matrix Conformance::Random(int64_t rows, int64_t cols, float size) {
  Matrix out(rows, cols);
  std::uniform_real_distribution<float> values(-size, size);
  for (float& value : out.values) value = values(random_);
  return out;
}

void ExpectNear(const Matrix& got, const Matrix& want, double tolerance, const std::string& what) {
  ASSERT_EQ(got.rows, want.rows) << what;
  ASSERT_EQ(got.cols, want.cols) << what;
  double most = 0, worst = 0;
  for (size_t i = 0; i < want.values.size(); ++i) {
    most = std::max(most, std::fabs(static_cast<double>(want.values[i])));
    const double off = std::fabs(static_cast<double>(got.values[i]) - static_cast<double>(want.values[i]));
    worst = std::isfinite(off) ? std::max(worst, off) : INFINITY;
  }
  EXPECT_LE(worst, tolerance * most + 1e-30) << what << ", largest expected " << most;
}

WeightView PlainView(const Matrix& values) {
  return {.rows = values.rows,
          .cols = values.cols,
          .storage = PlainRows{{DType::kF32,
                                {values.rows, values.cols},
                                reinterpret_cast<const std::byte*>(values.values.data())}}};
}

}  // namespace gatehouse::test

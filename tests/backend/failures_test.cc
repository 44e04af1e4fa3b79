// What a failure within a pass leaves behind: an error at its end, and a backend that computes as before.
#include <gtest/gtest.h>

#include <limits>
#include <memory>
#include <new>
#include <vector>

#include "backend/create.h"

namespace gatehouse {
namespace {

struct Memory {
  std::unique_ptr<DeviceBuffer> buffer;
  Mat mat;
};

Memory Take(Backend& backend, int64_t rows, int64_t cols, DType type = DType::kF32) {
  Memory out;
  auto buffer = backend.Allocate(rows * cols, type);
  EXPECT_TRUE(buffer.ok());
  out.buffer = std::move(buffer).value();
  out.mat = {out.buffer.get(), 0, rows, cols, type};
  return out;
}

// A weight whose rows are made up when they are asked for; from the n-th time on there is no memory for it.
std::unique_ptr<DeviceWeight> Failing(Backend& backend, int64_t rows, int64_t cols, const int* left) {
  WeightView view;
  view.rows = rows;
  view.cols = cols;
  const auto read = [=](int64_t first, int64_t count, float* out) {
    if (*left <= 0) throw std::bad_alloc();
    for (int64_t i = 0; i < count * cols; ++i) out[i] = static_cast<float>(first * cols + i) / 64.0f;
  };
  view.storage = ComputedRows{read, {}};
  auto weight = backend.LoadWeight(std::move(view));
  EXPECT_TRUE(weight.ok());
  return std::move(weight).value();
}

class Failures : public testing::TestWithParam<int> {};

TEST_P(Failures, MemoryThatEndsInAWorkerEndsThePassAlone) {
  const auto made = CreateBackend({.threads = GetParam(), .f32 = true});
  ASSERT_TRUE(made.ok());
  Backend& backend = **made;
  int left = 1;
  const auto weight = Failing(backend, 200, 8, &left);
  const Memory x = Take(backend, 3, 8), y = Take(backend, 3, 200);
  const std::vector<float> ones(24, 1.0f);
  const auto run = [&](std::vector<float>* out) -> Result<void> {
    PassScope pass(backend);
    backend.Upload(ones, x.mat);
    backend.Linear(x.mat, {{weight.get(), nullptr, y.mat}});
    backend.Download(y.mat, out->data());
    return pass.End();
  };
  std::vector<float> before(600), after(600), unused(600);
  ASSERT_TRUE(run(&before).ok());
  left = 0;
  for (int round = 0; round < 20; ++round) {
    const Result<void> failed = run(&unused);
    ASSERT_FALSE(failed.ok());
    EXPECT_EQ(failed.error().code, ErrorCode::kInternal);
    EXPECT_EQ(failed.error().what, "out of memory");
  }
  left = 1;
  ASSERT_TRUE(run(&after).ok());
  EXPECT_EQ(before, after);
}

TEST_P(Failures, APassWithinAnotherFailsAlone) {
  const auto made = CreateBackend({.threads = GetParam(), .f32 = true});
  ASSERT_TRUE(made.ok());
  Backend& backend = **made;
  int left = 0;
  const auto weight = Failing(backend, 64, 8, &left);
  const Memory x = Take(backend, 1, 8), y = Take(backend, 1, 64);
  PassScope outer(backend);
  backend.Upload(std::vector<float>(8, 1.0f), x.mat);
  {
    PassScope inner(backend);
    backend.Linear(x.mat, {{weight.get(), nullptr, y.mat}});
    EXPECT_FALSE(inner.End().ok());
  }
  left = 1;
  std::vector<float> out(64, -1.0f);
  backend.Linear(x.mat, {{weight.get(), nullptr, y.mat}});
  backend.Download(y.mat, out.data());
  EXPECT_TRUE(outer.End().ok());
  EXPECT_EQ(out[0], 28.0f / 64.0f);  // 0 + 1 + .. + 7, in 64ths
}

INSTANTIATE_TEST_SUITE_P(Threads, Failures, testing::Values(1, 2, 4));

TEST(Allocate, SaysThatThereIsNoMemory) {
  const auto backend = CreateBackend({.threads = 1});
  ASSERT_TRUE(backend.ok());
  const auto buffer = (*backend)->Allocate(std::numeric_limits<int64_t>::max() / 16);
  ASSERT_FALSE(buffer.ok());
  EXPECT_EQ(buffer.error().what, "out of memory");
}

TEST(Allocate, RefusesWhatTheCpuDoesNotHold) {
  const auto backend = CreateBackend({.threads = 1});
  ASSERT_TRUE(backend.ok());
  const auto buffer = (*backend)->Allocate(16, DType::kBF16);
  ASSERT_FALSE(buffer.ok());
  EXPECT_EQ(buffer.error().found, "BF16");
}

}  // namespace
}  // namespace gatehouse

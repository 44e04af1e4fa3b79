// Rows of logits, read where they are.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "backend/create.h"

namespace gatehouse {
namespace {

// One row on a device, and what is read of it.
NextToken Read(Backend& backend, const std::vector<float>& row, std::vector<int32_t> ids) {
  const auto cols = static_cast<int64_t>(row.size());
  const auto buffer = backend.Allocate(cols).value();
  const Mat mat{buffer.get(), 0, 1, cols};
  PassScope pass(backend);
  backend.Upload(row, mat);
  const LogitQuestion questions[] = {{0, std::move(ids)}};
  NextToken answers[1];
  backend.ReadLogits(mat, questions, answers);
  EXPECT_TRUE(pass.End().ok());
  return answers[0];
}

TEST(ReadLogits, LogTotalEqualsTheSumInDoubles) {
  const auto backend = CreateBackend({.threads = 2}).value();
  std::vector<float> logits;
  uint32_t state = 1;
  for (const size_t size : {1, 3, 4, 261, 50000}) {
    logits.clear();
    for (size_t i = 0; i < size; ++i) {
      state = state * 1664525u + 1013904223u;
      logits.push_back(static_cast<float>(state >> 8) * 3e-6f - 20.0f);
    }
    logits[0] = -std::numeric_limits<float>::infinity();
    if (size > 1) logits[1] = 12.5f;
    double total = 0.0;
    for (const float logit : logits) total += std::exp(static_cast<double>(logit));
    if (size == 1) {
      EXPECT_FALSE(Read(*backend, logits, {}).finite());
    } else {
      EXPECT_NEAR(Read(*backend, logits, {}).log_total, std::log(total), 2e-6);
    }
    logits[size / 2] = std::numeric_limits<float>::quiet_NaN();
    EXPECT_FALSE(Read(*backend, logits, {}).finite());
    logits[size / 2] = std::numeric_limits<float>::infinity();
    EXPECT_FALSE(Read(*backend, logits, {}).finite());
  }
}

TEST(ReadLogits, EachQuestionGetsWhatItAskedFor) {
  const auto backend = CreateBackend({.threads = 2}).value();
  const std::vector<float> rows = {1, 5, 2, 5, /**/ -1, -2, -3, -0.5f};
  const auto buffer = backend->Allocate(8).value();
  const Mat mat{buffer.get(), 0, 2, 4};
  PassScope pass(*backend);
  backend->Upload(rows, mat);
  const LogitQuestion questions[] = {{1, {3, 0}}, {0, {}, true}, {0, {2}}, {1, {}}};
  NextToken answers[4];
  backend->ReadLogits(mat, questions, answers);
  ASSERT_TRUE(pass.End().ok());
  EXPECT_EQ(answers[0].logits, (std::vector<float>{-0.5f, -1}));
  EXPECT_EQ(answers[0].best, 3);
  EXPECT_EQ(answers[1].logits, (std::vector<float>{1, 5, 2, 5}));
  EXPECT_EQ(answers[1].best, 1);  // the first of equal ones
  EXPECT_EQ(answers[2].logits, std::vector<float>{2});
  EXPECT_TRUE(answers[3].logits.empty());
  EXPECT_EQ(answers[3].log_total, answers[0].log_total);
}

}  // namespace
}  // namespace gatehouse

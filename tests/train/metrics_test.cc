// metrics.jsonl as it is written, read again, and its page.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <limits>

#include "base/input_file.h"
#include "support/temp_dir.h"
#include "train/run/metrics_file.h"
#include "train/run/metrics_page.h"
#include "train/run/trainer.h"

namespace gatehouse {
namespace {

using testing::HasSubstr;

train::StepReport StepOf(int64_t step, double loss) {
  train::StepReport out;
  out.step = step;
  out.loss = loss;
  out.norm = 0.25;
  out.rate = 1e-4;
  out.conversations = 8;
  out.tokens = 512;
  out.left_out = 1;
  out.seconds = 0.5;
  return out;
}

TEST(TrainMetrics, AreReadAsTheyWereWritten) {
  const test::TempDir dir;
  const std::string path = dir.path() + "/metrics.jsonl";
  auto file = train::MetricsFile::Open(path, 0);
  ASSERT_TRUE(file.ok());
  ASSERT_TRUE(file->Add(StepOf(0, 1.5)).ok());
  train::StepReport wild = StepOf(1, std::numeric_limits<double>::infinity());
  wild.skipped = true;
  ASSERT_TRUE(file->Add(wild).ok());
  train::StepReport none = StepOf(2, 0);  // all of its rows were left out
  none.tokens = 0;
  ASSERT_TRUE(file->Add(none).ok());
  std::ofstream(path, std::ios::app) << "{\"step\":3,\"lo";  // killed while it wrote
  const auto steps = train::ReadMetrics(path);
  ASSERT_TRUE(steps.ok()) << steps.error().Message();
  ASSERT_EQ(steps->size(), 3u);
  EXPECT_EQ((*steps)[0].loss, 1.5);
  EXPECT_EQ((*steps)[0].norm, 0.25);
  EXPECT_EQ((*steps)[0].rate, 1e-4);
  EXPECT_EQ((*steps)[0].seconds, 0.5);
  EXPECT_EQ((*steps)[0].tokens, 512);
  EXPECT_EQ((*steps)[0].left_out, 1);
  EXPECT_FALSE((*steps)[0].skipped);
  EXPECT_TRUE((*steps)[1].skipped);
  EXPECT_FALSE((*steps)[1].loss.has_value());
  EXPECT_FALSE((*steps)[2].loss.has_value());
  EXPECT_EQ((*steps)[2].step, 2);

  ASSERT_TRUE(train::WriteMetricsPage(dir.path() + "/", 10).ok());
  const auto page = ReadFile(dir.path() + "/metrics.html", 1 << 20);
  ASSERT_TRUE(page.ok());
  EXPECT_THAT(*page, HasSubstr("3 of 10"));
  EXPECT_THAT(*page, HasSubstr("step 2 was skipped"));
}

TEST(TrainMetrics, NameWhatIsWrong) {
  const test::TempDir dir;
  const std::string path = dir.path() + "/metrics.jsonl";
  EXPECT_FALSE(train::WriteMetricsPage(dir.path(), 10).ok());  // no such file
  const std::string good =
      "{\"step\":0,\"loss\":1,\"norm\":1,\"rate\":1,\"conversations\":1,\"tokens\":1,\"left_out\":0,"
      "\"skipped\":false,\"seconds\":1}\n";
  for (const auto& [line, named] : std::vector<std::pair<std::string, std::string>>{
           {"[]", "no object"}, {"{\"step\":1}", "loss"}, {"{\"step\":-1}", "step"}, {"{", "line 2"}}) {
    std::ofstream(path) << good << line << "\n";
    const auto steps = train::ReadMetrics(path);
    ASSERT_FALSE(steps.ok()) << line;
    EXPECT_EQ(steps.error().code, ErrorCode::kInternal);
    EXPECT_THAT(steps.error().Message(), HasSubstr(named));
    EXPECT_THAT(steps.error().Message(), HasSubstr("metrics.jsonl line 2"));
  }
  std::ofstream(path) << good;
  EXPECT_TRUE(train::ReadMetrics(path).ok());
}

}  // namespace
}  // namespace gatehouse

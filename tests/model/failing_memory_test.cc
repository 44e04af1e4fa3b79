// Memory that ends at every place of a pass in turn: an error each time, in the calling thread or in a
// worker, and afterwards everything computes as before. The functions that allocate are replaced
// (failing_memory.h).
#include <gtest/gtest.h>

#include <new>
#include <numeric>

#include "backend/create.h"
#include "model/failing_memory.h"
#include "support/golden_model.h"

namespace gatehouse {
namespace {

// A decoder and an encoder that have run nothing yet.
struct Fresh {
  std::unique_ptr<Backend> backend;
  std::unique_ptr<Decoder> decoder;
  std::unique_ptr<VisionEncoder> vision;
  std::unique_ptr<KvCache> cache;
};

Fresh Make(const Checkpoint& checkpoint, bool f32) {
  Fresh out;
  out.backend = std::move(CreateBackend({.threads = 2, .f32 = f32})).value();
  out.decoder = std::move(Decoder::Create(checkpoint.config(), checkpoint.lookup(), *out.backend)).value();
  if (checkpoint.config().vision.present)
    out.vision =
        std::move(VisionEncoder::Create(checkpoint.config(), checkpoint.lookup(), *out.backend)).value();
  out.cache = out.backend->CreateKvCache(out.decoder->kv_shape());
  if (!out.cache->Reserve(4).ok()) throw std::bad_alloc();
  return out;
}

Batch Prompt(int32_t first_page, int32_t seed) {
  Batch batch;
  batch.sequences.push_back({.pages = {first_page, first_page + 1}, .cached = 0});
  for (int32_t i = 0; i < 37; ++i)
    batch.rows.push_back({.token = (i * 7919 + seed) % 1000, .position = i, .sequence = 0, .parent = i - 1});
  batch.questions.push_back({.row = 36, .ids = {1, 2, 3}});
  batch.questions.push_back({.row = 20, .ids = {5}});
  return batch;
}

using Answers = std::vector<std::vector<float>>;
Answers LogitsOf(const Result<std::vector<NextToken>>& answers) {
  Answers out;
  for (const NextToken& answer : *answers) out.push_back(answer.logits);
  return out;
}

// A pass between two layers of another; both answers, or the errors they ended with.
struct Two {
  Result<std::vector<NextToken>> outer = std::vector<NextToken>{}, inner = std::vector<NextToken>{};
};
// failing: which allocation of theirs fails; negative: none.
Two RunBoth(Fresh& model, const Batch& outer, const Batch& inner, int64_t failing) {
  Two out;
  bool done = false;
  const BetweenLayers between = [&] {
    if (!done) out.inner = model.decoder->Forward(inner, *model.cache);
    done = true;
    return true;
  };
  test::before_failure = failing;
  out.outer = model.decoder->Forward(outer, *model.cache, nullptr, between);
  test::before_failure = -1;
  return out;
}

class FailingMemory : public testing::TestWithParam<std::pair<const char*, bool>> {};

TEST_P(FailingMemory, EndsThePassWithAnError) {
  const auto& [name, f32] = GetParam();
  const auto checkpoint = std::move(Checkpoint::Open(test::GoldenCheckpoint(name))).value();
  const Batch outer = Prompt(0, 11), inner = Prompt(2, 400);
  Answers first, second;
  int64_t total = 0;
  {
    Fresh model = Make(*checkpoint, f32);
    const int64_t begin = test::counted;
    const Two both = RunBoth(model, outer, inner, -1);
    total = test::counted - begin;
    ASSERT_TRUE(both.outer.ok() && both.inner.ok());
    first = LogitsOf(both.outer);
    second = LogitsOf(both.inner);
  }
  ASSERT_GT(total, 50);
  // All places of the beginning, where memory of a pass is taken, then some of each stretch.
  int failures = 0;
  for (int64_t n = 0; n < total; n += n < 80 ? 1 : 41) {
    Fresh model = Make(*checkpoint, f32);
    const Two both = RunBoth(model, outer, inner, n);
    failures += !both.outer.ok() || !both.inner.ok();
    if (both.outer.ok()) {
      EXPECT_EQ(LogitsOf(both.outer), first) << n;
    } else {
      EXPECT_EQ(both.outer.error().what, "out of memory") << n;
    }
    if (!both.inner.ok()) {
      EXPECT_EQ(both.inner.error().what, "out of memory") << n;
    } else if (!both.inner->empty()) {
      EXPECT_EQ(LogitsOf(both.inner), second) << n;
    }
    const Two again = RunBoth(model, outer, inner, -1);
    ASSERT_TRUE(again.outer.ok() && again.inner.ok()) << n;
    EXPECT_EQ(LogitsOf(again.outer), first) << n;
    EXPECT_EQ(LogitsOf(again.inner), second) << n;
  }
  EXPECT_GT(failures, 50);
}

INSTANTIATE_TEST_SUITE_P(Models, FailingMemory,
                         testing::Values(std::pair("lg4-tiny", false), std::pair("lg4-tiny", true),
                                         std::pair("scout-tiny", false)));

TEST(FailingMemoryOfPictures, EndsTheCallWithAnError) {
  const auto checkpoint = std::move(Checkpoint::Open(test::GoldenCheckpoint("lg4-tiny"))).value();
  const int64_t hidden = checkpoint->config().hidden;
  int tiles = 0;
  std::vector<float> pixels = test::GoldenPixels({"small.png"}, &tiles);
  pixels.resize(pixels.size() / static_cast<size_t>(tiles));  // one of them
  const auto run = [&](Fresh& model, const Mat& out, std::vector<float>* values) -> Result<void> {
    GATEHOUSE_TRY(model.vision->Encode(pixels, 1, out));
    PassScope pass(*model.backend);
    model.backend->Download(out, values->data());
    return pass.End();
  };
  std::vector<float> expected;
  int64_t total = 0;
  for (int64_t n = -1; n < total; n += n < 60 ? 1 : 31) {
    Fresh model = Make(*checkpoint, /*f32=*/false);
    const int64_t rows = model.vision->tokens_per_tile();
    const auto memory = std::move(model.backend->Allocate(rows * hidden)).value();
    const Mat out{memory.get(), 0, rows, hidden};
    std::vector<float> values(static_cast<size_t>(rows * hidden));
    const int64_t begin = test::counted;
    test::before_failure = n;
    const Result<void> ran = run(model, out, &values);
    test::before_failure = -1;
    if (n < 0) {
      ASSERT_TRUE(ran.ok());
      total = test::counted - begin;
      expected = values;
      continue;
    }
    if (ran.ok()) {
      EXPECT_EQ(values, expected) << n;
    } else {
      EXPECT_EQ(ran.error().what, "out of memory") << n;
    }
    ASSERT_TRUE(run(model, out, &values).ok()) << n;
    EXPECT_EQ(values, expected) << n;
  }
}

}  // namespace
}  // namespace gatehouse

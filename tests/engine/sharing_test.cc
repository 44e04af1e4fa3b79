// Requests that share passes and prefixes get the answers that they would get alone, to the last bit;
// whatever is evicted, cancelled or refused meanwhile.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <random>
#include <thread>

#include "support/golden_model.h"
#include "tensor/page.h"

namespace gatehouse {
namespace {

using Clock = std::chrono::steady_clock;

using Logits = std::vector<std::vector<float>>;

struct Text {
  TokenInput input;
  int image = -1;  // whose vectors stand in the text
  std::vector<TokenPath> paths;
  Logits alone;
};

using Images = std::vector<ImageFeatures>;

// Some images' vectors, by the engine that is asked.
Images Encode(Engine& engine) {
  Images out;
  if (!engine.can_see()) return out;
  for (const char* name : {"dot.png", "square.jpg"}) {
    int tiles = 0;
    const std::vector<float> pixels = test::GoldenPixels({name}, &tiles);
    auto features =
        engine.EncodeTiles(std::span(pixels).first(pixels.size() / static_cast<size_t>(tiles)), 1);
    EXPECT_TRUE(features.ok());
    out.push_back(std::move(*features));
  }
  return out;
}

// The text with an image's vectors in the place of its tokens from `begin` on.
void PutImage(int image, size_t begin, const Images& images, Text* question) {
  TokenInput& input = question->input;
  question->image = image;
  const ImageFeatures& features = images[static_cast<size_t>(image)];
  const size_t end = std::min(begin + static_cast<size_t>(features.rows.rows), input.ids.size());
  input.embedding_rows.assign(input.ids.size(), -1);
  input.image_marks.assign(input.ids.size(), 0);
  for (size_t at = begin; at < end; ++at) {
    input.embedding_rows[at] = static_cast<int32_t>(at - begin);
    input.image_marks[at] = static_cast<uint64_t>(image + 1) * 1000 + at - begin;
  }
  input.embeddings = features.rows;
}

// A tree as that of categories' keys: all share the first tokens, some begin longer ones.
std::vector<TokenPath> RandomTree(std::mt19937* random) {
  std::vector<TokenPath> paths;
  if ((*random)() % 4 != 0) paths.push_back({});
  const TokenPath base = {7, static_cast<int32_t>((*random)() % 3)};
  for (size_t keys = (*random)() % 15; keys > 0; --keys) {
    TokenPath path = base;
    for (size_t length = (*random)() % 4; length > 0; --length)
      path.push_back(static_cast<int32_t>(20 + (*random)() % 3));
    paths.push_back(path);
  }
  if (paths.empty()) paths.push_back(base);
  return paths;
}

// Texts that have beginnings of every length in common, with trees of answers behind them.
std::vector<Text> Texts(const test::LoadedModel& model, int count) {
  std::mt19937 random(11);
  const auto ids_of = [&](size_t size) {
    std::vector<int32_t> ids;
    while (ids.size() < size) ids.push_back(static_cast<int32_t>(random() % 1000));
    return ids;
  };
  const std::vector<int32_t> policy = ids_of(150);
  const Images images = Encode(*model.engine);
  std::vector<Text> out;
  for (int i = 0; i < count; ++i) {
    Text one;
    one.input.ids = policy;
    one.input.ids.resize(random() % 4 == 0 ? 1 + random() % 150 : 150);
    if (!out.empty() && random() % 3 == 0) {
      const std::vector<int32_t>& other = out[random() % out.size()].input.ids;
      one.input.ids.assign(other.begin(), other.begin() + static_cast<int64_t>(1 + random() % other.size()));
    }
    const std::vector<int32_t> tail = ids_of(random() % 10 == 0 ? 300 : 1 + random() % 40);
    one.input.ids.insert(one.input.ids.end(), tail.begin(), tail.end());
    if (i % 2 == 0) {
      one.paths = {{}, {7}, {7, 8}, {7, 9, static_cast<int32_t>(i)}};
      one.paths.resize(1 + random() % 4);
    } else {
      one.paths = RandomTree(&random);
    }
    if (!images.empty() && random() % 3 == 0)
      PutImage(static_cast<int>(random() % 2), random() % one.input.ids.size(), images, &one);
    Sequence sequence = model.engine->NewSequence();
    const auto logits = model.engine->Run(sequence, one.input, one.paths);
    EXPECT_TRUE(logits.ok());
    one.alone = *logits;
    out.push_back(std::move(one));
  }
  return out;
}

// Asks as Guard does: from the longest known beginning, and keeps the text afterwards. images: this engine's.
Result<Logits> Ask(Engine& engine, const Text& question, const RunLimits& limits, int32_t pinned = 0,
                   const Images& images = {}) {
  const int32_t total = static_cast<int32_t>(question.input.ids.size());
  TokenInput input = question.input;
  input.embeddings = question.image < 0 ? Mat{} : images[static_cast<size_t>(question.image)].rows;
  Sequence sequence = engine.prefixes().Find(input, total - 1);
  GATEHOUSE_ASSIGN(Logits logits, engine.Run(sequence, input, question.paths, nullptr, limits));
  engine.prefixes().Insert(input, total, sequence, pinned);
  return logits;
}

void Mix(const char* name, bool f32, int64_t cache_pages, int threads, int requests, bool kv_int8 = false) {
  const test::LoadedModel reference = test::LoadModel(name, f32, 512, 2, 1000, kv_int8);
  const std::vector<Text> questions = Texts(reference, 60);
  test::LoadedModel model = test::LoadModel(name, f32, 512, 2, cache_pages, kv_int8);
  Engine& engine = *model.engine;
  const Images images = Encode(engine);
  std::atomic<int> answered{0}, given_up{0}, wrong{0};
  const auto client = [&](unsigned seed) {
    std::mt19937 random(seed);
    for (int i = 0; i < requests / threads; ++i) {
      const Text& question = questions[random() % questions.size()];
      std::atomic<bool> cancelled{random() % 20 == 0};
      RunLimits limits;
      if (random() % 4 == 0) limits.cancelled = &cancelled;
      if (random() % 20 == 0) limits.deadline = Clock::now() + std::chrono::microseconds(random() % 3000);
      const auto logits = Ask(engine, question, limits, random() % 50 == 0 ? 32 : 0, images);
      if (!logits.ok()) {
        given_up += logits.error().code >= ErrorCode::kBusy;
        wrong += logits.error().code < ErrorCode::kBusy;
        continue;
      }
      ++answered;
      wrong += *logits != question.alone;
    }
  };
  std::vector<std::thread> pool;
  for (int i = 0; i < threads; ++i) pool.emplace_back(client, static_cast<unsigned>(100 + i));
  for (std::thread& thread : pool) thread.join();
  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(answered + given_up, requests / threads * threads);
  EXPECT_GT(answered, requests * 8 / 10);
  const SchedulerStats stats = engine.scheduler().stats();
  if (threads > 1) {
    EXPECT_GT(stats.sequences, stats.passes);  // passes were shared
    EXPECT_GT(stats.stops, 0);                 // and long ones stopped
  }
  const PrefixCacheStats cache = engine.prefixes().stats();
  EXPECT_GT(cache.tokens_found, 0);
  EXPECT_GT(cache.evicted, 0);
  // What is held at the end is the tree's alone, and within its budget but for what is pinned.
  EXPECT_EQ(engine.pages_in_use(), cache.pages);
  EXPECT_LE(cache.pages, cache_pages + 64);
  std::printf(
      "%d answered, %d given up, %.2f sequences a pass, %lld stops, %lld tokens from the cache, %lld pages "
      "evicted\n",
      answered.load(), given_up.load(),
      static_cast<double>(stats.sequences) / static_cast<double>(stats.passes),
      static_cast<long long>(stats.stops), static_cast<long long>(cache.tokens_found),
      static_cast<long long>(cache.evicted));
}

TEST(Sharing, RandomMixesEqualSingleRequests) { Mix("lg3-tiny", false, 60, 8, 10000); }
TEST(Sharing, RandomMixesWithImages) { Mix("lg4-tiny", false, 60, 8, 1000); }
TEST(Sharing, RandomMixesWithKeysAndValuesIn8Bits) { Mix("lg3-tiny", false, 60, 8, 500, true); }
TEST(Sharing, RandomMixesInFloat32) { Mix("lg4-tiny", true, 40, 8, 1000); }
TEST(Sharing, RandomMixesWithChunkedAttention) { Mix("scout-tiny", false, 40, 8, 600); }
TEST(Sharing, ManyClients) { Mix("lg3-tiny", false, 20, 32, 640); }

TEST(Sharing, TheQueueIsBounded) {
  const test::LoadedModel model = test::LoadModel("lg3-tiny", false);
  Engine& engine = *model.engine;
  const std::vector<Text> questions = Texts(model, 4);
  engine.scheduler().set_max_waiting(1);
  std::atomic<int> refused{0}, answered{0};
  std::vector<std::thread> pool;
  for (int i = 0; i < 8; ++i) {
    pool.emplace_back([&] {
      for (int j = 0; j < 20; ++j) {
        const auto logits = Ask(engine, questions[static_cast<size_t>(j) % 4], {});
        (logits.ok() ? answered : refused) += 1;
        if (!logits.ok()) {
          EXPECT_EQ(logits.error().code, ErrorCode::kBusy);
        }
      }
    });
  }
  for (std::thread& thread : pool) thread.join();
  EXPECT_GT(answered, 0);
  EXPECT_GT(refused, 0);
}

TEST(Sharing, ADeadlineInThePastAndACancelledRequestEndAtOnce) {
  const test::LoadedModel model = test::LoadModel("lg3-tiny", false);
  const std::vector<Text> questions = Texts(model, 1);
  RunLimits late;
  late.deadline = Clock::now() - std::chrono::seconds(1);
  const auto first = Ask(*model.engine, questions[0], late);
  ASSERT_FALSE(first.ok());
  EXPECT_NE(first.error().Message().find("deadline"), std::string::npos);
  std::atomic<bool> cancelled{true};
  RunLimits stopped;
  stopped.cancelled = &cancelled;
  const auto second = Ask(*model.engine, questions[0], stopped);
  ASSERT_FALSE(second.ok());
  EXPECT_NE(second.error().Message().find("cancelled"), std::string::npos);
  EXPECT_EQ(*Ask(*model.engine, questions[0], {}), questions[0].alone);
}

TEST(PrefixCache, FindsTheLongestBeginningInTheMiddleOfAPage) {
  const test::LoadedModel model = test::LoadModel("lg3-tiny", false);
  Engine& engine = *model.engine;
  TokenInput text;
  for (int32_t i = 0; i < 100; ++i) text.ids.push_back(i);
  Sequence sequence = engine.NewSequence();
  ASSERT_TRUE(engine.Run(sequence, text, {}).ok());
  engine.prefixes().Insert(text, 100, sequence, 0);
  for (const int32_t common : {0, 1, 31, 32, 33, 63, 64, 99, 100}) {
    TokenInput other = text;
    other.ids.resize(static_cast<size_t>(common));
    other.ids.insert(other.ids.end(), {900, 901, 902});
    EXPECT_EQ(engine.prefixes().Find(other, 1000).length(), common);
    if (common > 0) {
      EXPECT_EQ(engine.prefixes().Find(other, common - 1).length(), common - 1);
    }
  }
}

TEST(PrefixCache, ImagesOfOtherPixelsAreOtherTexts) {
  const test::LoadedModel model = test::LoadModel("lg3-tiny", false);
  Engine& engine = *model.engine;
  TokenInput text;
  text.ids.assign(80, 5);
  text.image_marks.assign(80, 0);
  for (size_t i = 40; i < 60; ++i) text.image_marks[i] = 1000 + i;
  Sequence sequence = engine.NewSequence();
  ASSERT_TRUE(engine.Run(sequence, text, {}).ok());
  engine.prefixes().Insert(text, 80, sequence, 0);
  TokenInput same = text, other = text, none = text;
  for (size_t i = 40; i < 60; ++i) other.image_marks[i] = 2000 + i;
  none.image_marks.clear();
  EXPECT_EQ(engine.prefixes().Find(same, 80).length(), 80);
  EXPECT_EQ(engine.prefixes().Find(other, 80).length(), 40);
  EXPECT_EQ(engine.prefixes().Find(none, 80).length(), 40);
}

TEST(PrefixCache, PinnedStaysAndTheLeastUsedGoes) {
  const int64_t pages = 4;
  const test::LoadedModel model = test::LoadModel("lg3-tiny", false, 512, 2, pages);
  Engine& engine = *model.engine;
  const auto keep = [&](int32_t token, int32_t pinned) {
    TokenInput text;
    text.ids.assign(kPageTokens * 2, token);
    Sequence sequence = engine.NewSequence();
    EXPECT_TRUE(engine.Run(sequence, text, {}).ok());
    engine.prefixes().Insert(text, kPageTokens * 2, sequence, pinned);
  };
  const auto known = [&](int32_t token) {
    TokenInput text;
    text.ids.assign(kPageTokens * 2, token);
    return engine.prefixes().Find(text, 1000).length();
  };
  keep(1, kPageTokens * 2);
  keep(2, 0);
  EXPECT_EQ(known(2), kPageTokens * 2);
  for (int32_t token = 3; token < 10; ++token) keep(token, 0);
  EXPECT_EQ(known(1), kPageTokens * 2);
  EXPECT_EQ(known(2), 0);
  EXPECT_EQ(known(9), kPageTokens * 2);
  EXPECT_LE(engine.prefixes().stats().pages, pages + 2);
}

}  // namespace
}  // namespace gatehouse

// Requests that share passes and prefixes get the answers that they would get alone, to the last bit;
// whatever is evicted, cancelled or refused meanwhile.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
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

// The first tile of two images.
const std::vector<float>& TilesOf(int image) {
  static const std::vector<std::vector<float>> kTiles = [] {
    std::vector<std::vector<float>> out;
    for (const char* name : {"dot.png", "square.jpg"}) {
      int tiles = 0;
      std::vector<float> pixels = test::GoldenPixels({name}, &tiles);
      pixels.resize(pixels.size() / static_cast<size_t>(tiles));
      out.push_back(std::move(pixels));
    }
    return out;
  }();
  return kTiles[static_cast<size_t>(image)];
}

// Their vectors.
Images Encode(Engine& engine) {
  Images out;
  if (!engine.can_see()) return out;
  for (const int image : {0, 1}) {
    auto features = engine.EncodeTiles(TilesOf(image), 1);
    EXPECT_TRUE(features.ok());
    out.push_back(std::move(*features));
  }
  return out;
}

// Digests that agree in all but the last byte.
PictureDigest DigestOf(int image) {
  PictureDigest digest;
  digest.fill(std::byte{0xAB});
  digest.back() = static_cast<std::byte>(image);
  return digest;
}

// The text with an image's vectors in the place of its tokens from `begin` on.
void PutImage(int image, size_t begin, const Images& images, Text* question) {
  TokenInput& input = question->input;
  question->image = image;
  const ImageFeatures& features = images[static_cast<size_t>(image)];
  const size_t end = std::min(begin + static_cast<size_t>(features.rows.rows), input.ids.size());
  input.embedding_rows.assign(input.ids.size(), -1);
  for (size_t at = begin; at < end; ++at) input.embedding_rows[at] = static_cast<int32_t>(at - begin);
  input.pictures = {{DigestOf(image), 0}};
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

// What is asked of the engine, and the answer that its driver brings.
class Asked : public Task {
 public:
  explicit Asked(Engine& engine) : Task(engine.pool()) {}
  void OnAnswered() noexcept override { Tell(); }
  void OnEnded(Error error) noexcept override {
    error_ = std::move(error);
    Tell();
  }
  Result<Logits> Wait() {
    std::unique_lock lock(mutex_);
    there_.wait(lock, [this] { return told_; });
    if (error_) return *error_;
    Logits out;
    for (const NextToken& answer : answers) out.push_back(answer.logits);
    return out;
  }

 private:
  void Tell() {
    std::lock_guard lock(mutex_);
    told_ = true;
    there_.notify_all();
  }
  std::mutex mutex_;
  std::condition_variable there_;
  bool told_ = false;
  std::optional<Error> error_;
};

struct Limits {
  std::optional<Clock::time_point> deadline;
  bool cancel = false;
  bool cancel_first = false;  // before it is asked
  std::string tenant = {};
};

// Asks as Guard does; the engine encodes the images itself, or finds them in its cache.
Result<Logits> Ask(Engine& engine, const Text& text, const Limits& limits = {}, int32_t beginning = 0) {
  const auto task = std::make_shared<Asked>(engine);
  task->deadline = limits.deadline;
  task->scope = {1, limits.tenant};
  task->input = text.input;
  task->input.embeddings = {};
  task->beginning = std::min(beginning, static_cast<int32_t>(text.input.ids.size()));
  task->common = true;
  if (text.image >= 0) {
    const std::vector<float>* pixels = &TilesOf(text.image);
    task->pictures.push_back(
        {1, [pixels](int, std::span<float> out) { std::copy(pixels->begin(), pixels->end(), out.begin()); }});
  }
  for (const TokenPath& path : text.paths) task->questions.push_back({path, {}, /*whole=*/true});
  engine.Enter(task);
  if (limits.cancel_first) engine.Cancel(task);
  engine.Ask(task);
  if (limits.cancel) engine.Cancel(task);
  Result<Logits> logits = task->Wait();
  engine.Leave(task);
  return logits;
}

void Mix(const char* name, bool f32, int64_t cache_pages, int threads, int requests, bool kv_int8 = false) {
  const test::LoadedModel reference = test::LoadModel(name, f32, 512, 2, 1000, kv_int8);
  const std::vector<Text> questions = Texts(reference, 60);
  test::LoadedModel model = test::LoadModel(name, f32, 512, 2, cache_pages, kv_int8);
  Engine& engine = *model.engine;
  std::atomic<int> answered{0}, given_up{0}, wrong{0};
  const auto client = [&](unsigned seed) {
    std::mt19937 random(seed);
    for (int i = 0; i < requests / threads; ++i) {
      const Text& question = questions[random() % questions.size()];
      Limits limits;
      limits.cancel = random() % 80 == 0;
      limits.tenant = random() % 2 == 0 ? "a" : "b";
      if (random() % 20 == 0) limits.deadline = Clock::now() + std::chrono::microseconds(random() % 3000);
      const auto logits = Ask(engine, question, limits, random() % 2 == 0 ? 32 : 0);
      if (!logits.ok()) {
        given_up += logits.error().code >= ErrorCode::kBusy;
        if (logits.error().code < ErrorCode::kBusy) ADD_FAILURE() << logits.error().Message();
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
  const EngineStats stats = engine.stats();
  if (threads > 1) {
    EXPECT_GT(stats.sequences, stats.passes);  // passes were shared
    EXPECT_GT(stats.stops, 0);                 // and long ones stopped
  }
  const PrefixCacheStats cache = engine.prefixes().stats();
  EXPECT_GT(cache.tokens_found, 0);
  EXPECT_GT(cache.evicted, 0);
  // What is held at the end is kept, and within the budget. Two tenants' trees may hold a page of the
  // policy's.
  EXPECT_LE(engine.pages_in_use(), cache_pages);
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
TEST(Sharing, ManyClients) { Mix("lg3-tiny", false, 48, 32, 320); }

// Neither waits for the other's share, and whoever is refused hears when to come again.
TEST(Sharing, WhatWaitsIsBoundedForEachTenant) {
  Admission admission(1000);
  admission.set_rate(100);
  std::vector<Ticket> tickets;
  while (true) {
    auto ticket = admission.Admit("a", 100);
    if (!ticket.ok()) {
      EXPECT_EQ(ticket.error().code, ErrorCode::kBusy);
      EXPECT_NEAR(ticket.error().retry_after, 1.0, 0.01);
      break;
    }
    tickets.push_back(std::move(*ticket));
  }
  EXPECT_EQ(tickets.size(), 10u);
  for (int i = 0; i < 5; ++i) {
    auto other = admission.Admit("b", 100);
    ASSERT_TRUE(other.ok()) << i;
    tickets.push_back(std::move(*other));
  }
  EXPECT_FALSE(admission.Admit("b", 100).ok());
  EXPECT_TRUE(admission.Admit("c", 5000).ok());  // the only one of its tenant
  tickets.clear();
  EXPECT_EQ(admission.waiting(), 0);
  EXPECT_TRUE(admission.Admit("a", 900).ok());
}

// Of ten seconds at 100 tokens a second seven may be spent on what waits before.
TEST(Sharing, WhatWouldBeLateIsRefusedAtOnce) {
  Admission admission(1 << 20);
  const auto soon = [] { return Clock::now() + std::chrono::seconds(10); };
  std::vector<Ticket> tickets;
  const auto admit = [&](const std::string& tenant, int64_t cost, std::optional<Clock::time_point> deadline) {
    auto ticket = admission.Admit(tenant, cost, deadline);
    if (!ticket.ok()) return ticket.error().retry_after;
    tickets.push_back(std::move(*ticket));
    return 0.0;
  };
  EXPECT_EQ(admit("a", 5000, soon()), 0);  // nothing was computed yet: nobody knows
  EXPECT_EQ(admit("a", 5000, soon()), 0);
  tickets.clear();
  admission.set_rate(100);
  EXPECT_EQ(admit("a", 5000, soon()), 0);  // nothing waits before it: if it is late, that is its own doing
  EXPECT_GT(admit("a", 10, soon()), 0);
  tickets.clear();
  EXPECT_EQ(admit("a", 300, soon()), 0);
  EXPECT_EQ(admit("a", 300, soon()), 0);
  EXPECT_NEAR(admit("a", 300, soon()), 2.0, 0.1);  // 900 are 200 too many
  EXPECT_EQ(admit("a", 90, soon()), 0);
  EXPECT_EQ(admit("a", 300, {}), 0);  // who has time waits
  // Another one waits for as much of the first one's as its own.
  EXPECT_EQ(admit("b", 300, soon()), 0);
  EXPECT_GT(admit("b", 100, soon()), 0);
  EXPECT_EQ(admit("c", 100, soon()), 0);
  EXPECT_GT(admit("d", 400, soon()), 0);
  EXPECT_EQ(admit("d", 200, soon()), 0);
}

// At 100 tokens a second seven of ten seconds are 700 tokens: 7 requests as estimated, 28 of a quarter each.
TEST(Sharing, EstimatesCountForWhatTheyCameTo) {
  for (const int64_t found : {100, 25, 1}) {  // less than a quarter is not believed
    Admission admission(1 << 20);
    admission.set_rate(100);
    const auto soon = [] { return Clock::now() + std::chrono::milliseconds(10050); };
    for (int i = 0; i < 1000; ++i) admission.Admit("before", 100)->Correct(found);
    EXPECT_EQ(admission.waiting(), 0);
    std::vector<Ticket> tickets;
    while (!admission.Refusal("a", 100, soon())) {
      auto ticket = admission.Admit("a", 100, soon());
      ASSERT_TRUE(ticket.ok());
      tickets.push_back(std::move(*ticket));
    }
    EXPECT_EQ(tickets.size(), found == 100 ? 7u : 28u) << found;
    // Asking took nothing, and it is refused as was said.
    EXPECT_EQ(admission.waiting(), 700);
    EXPECT_FALSE(admission.Admit("a", 100, soon()).ok());
  }
}

TEST(Sharing, ADeadlineInThePastAndACancelledRequestEndAtOnce) {
  const test::LoadedModel model = test::LoadModel("lg3-tiny", false);
  const std::vector<Text> questions = Texts(model, 1);
  Limits late;
  late.deadline = Clock::now() - std::chrono::seconds(1);
  const auto first = Ask(*model.engine, questions[0], late);
  ASSERT_FALSE(first.ok());
  EXPECT_EQ(first.error().code, ErrorCode::kLate);
  Limits stopped;
  stopped.cancel_first = true;
  const auto second = Ask(*model.engine, questions[0], stopped);
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().code, ErrorCode::kCancelled);
  EXPECT_EQ(*Ask(*model.engine, questions[0], {}), questions[0].alone);
}

const CacheScope kScope = {1, "a"};

TEST(PrefixCache, FindsTheLongestBeginningInTheMiddleOfAPage) {
  const test::LoadedModel model = test::LoadModel("lg3-tiny", false);
  Engine& engine = *model.engine;
  TokenInput text;
  for (int32_t i = 0; i < 100; ++i) text.ids.push_back(i);
  Sequence sequence = engine.NewSequence();
  ASSERT_TRUE(engine.Run(sequence, text, {}).ok());
  engine.prefixes().Insert(kScope, text, 100, sequence);
  for (const int32_t common : {0, 1, 31, 32, 33, 63, 64, 99, 100}) {
    TokenInput other = text;
    other.ids.resize(static_cast<size_t>(common));
    other.ids.insert(other.ids.end(), {900, 901, 902});
    EXPECT_EQ(engine.prefixes().Find(kScope, other, 1000).length(), common);
    if (common > 0) {
      EXPECT_EQ(engine.prefixes().Find(kScope, other, common - 1).length(), common - 1);
    }
  }
}

TEST(PrefixCache, ImagesOfOtherPixelsAreOtherTexts) {
  const test::LoadedModel model = test::LoadModel("lg3-tiny", false);
  Engine& engine = *model.engine;
  TokenInput text;
  text.ids.assign(80, 5);
  Sequence sequence = engine.NewSequence();
  ASSERT_TRUE(engine.Run(sequence, text, {}).ok());
  text.embedding_rows.assign(80, -1);
  for (size_t i = 40; i < 60; ++i) text.embedding_rows[i] = static_cast<int32_t>(i - 40);
  text.pictures = {{DigestOf(0), 0}};
  engine.prefixes().Insert(kScope, text, 80, sequence);
  TokenInput same = text, other = text, none = text, moved = text;
  other.pictures = {{DigestOf(1), 0}};
  none.embedding_rows.clear();
  for (size_t i = 40; i < 60; ++i) ++moved.embedding_rows[i];  // the neighbouring rows
  EXPECT_EQ(engine.prefixes().Find(kScope, same, 80).length(), 80);
  EXPECT_EQ(engine.prefixes().Find(kScope, other, 80).length(), 40);
  EXPECT_EQ(engine.prefixes().Find(kScope, none, 80).length(), 40);
  EXPECT_EQ(engine.prefixes().Find(kScope, moved, 80).length(), 40);
}

// A text of two pages, all of one token.
TokenInput Pages(int32_t token) {
  TokenInput text;
  text.ids.assign(kPageTokens * 2, token);
  return text;
}

TEST(PrefixCache, TheLeastUsedGoesAndNotWhatIsUsed) {
  const int64_t pages = 8;
  const test::LoadedModel model = test::LoadModel("lg3-tiny", false, 512, 2, pages);
  Engine& engine = *model.engine;
  const auto keep = [&](int32_t token) {
    Sequence sequence = engine.NewSequence();
    EXPECT_TRUE(engine.Run(sequence, Pages(token), {}).ok());
    engine.prefixes().Insert(kScope, Pages(token), kPageTokens * 2, sequence);
    return sequence;
  };
  const auto known = [&](int32_t token) {
    return engine.prefixes().Find(kScope, Pages(token), 1000).length();
  };
  const Sequence used = keep(1);
  keep(2);
  EXPECT_EQ(known(2), kPageTokens * 2);
  for (int32_t token = 3; token < 10; ++token) keep(token);
  EXPECT_EQ(known(1), kPageTokens * 2);
  EXPECT_EQ(known(2), 0);
  EXPECT_EQ(known(9), kPageTokens * 2);
  EXPECT_LE(engine.pages_in_use(), pages);
}

TEST(PrefixCache, NobodySeesWhatAnotherAsked) {
  const test::LoadedModel model = test::LoadModel("lg3-tiny", false, 512, 2, 16);
  Engine& engine = *model.engine;
  PrefixCache& cache = engine.prefixes();
  const auto keep = [&](const CacheScope& scope, int32_t token) {
    Sequence sequence = engine.NewSequence();
    EXPECT_TRUE(engine.Run(sequence, Pages(token), {}).ok());
    cache.Insert(scope, Pages(token), kPageTokens * 2, sequence);
  };
  const CacheScope a = {1, "a"}, b = {1, "b"}, other_policy = {2, "a"};
  keep(b, 1);
  EXPECT_EQ(cache.Find(a, Pages(1), 1000).length(), 0);
  EXPECT_EQ(cache.Find(other_policy, Pages(1), 1000).length(), 0);
  // However much one asks, the other keeps its share.
  for (int32_t token = 10; token < 60; ++token) keep(a, token);
  EXPECT_EQ(cache.Find(b, Pages(1), 1000).length(), kPageTokens * 2);
  EXPECT_EQ(cache.PagesOf("b"), 2);
  keep(other_policy, 7);
  cache.Drop(1);
  EXPECT_EQ(cache.Find(b, Pages(1), 1000).length(), 0);
  EXPECT_EQ(cache.Find(other_policy, Pages(7), 1000).length(), kPageTokens * 2);
  EXPECT_EQ(engine.pages_in_use(), 2);
}

}  // namespace
}  // namespace gatehouse

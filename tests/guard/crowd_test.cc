// Sixty-four clients at once, of three tenants, while requests are cancelled, caches evicted, policies
// replaced and allocations fail: whoever gets a verdict gets the one that his text has alone under that
// policy.
#include <gtest/gtest.h>

#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <random>
#include <thread>

#include "base/input_file.h"
#include "failing_allocations.h"
#include "guard/awaited_verdict.h"
#include "guard/guard_impl.h"
#include "guard_test_models.h"

namespace gatehouse {
namespace {

using namespace failing;

#ifdef __SANITIZE_THREAD__
constexpr int kRounds = 1, kReplaced = 8;
#else
constexpr int kRounds = 8, kReplaced = 60;
#endif
constexpr int kClients = 64, kTexts = 6;
// About every third request meets one.
constexpr int64_t kBetweenFailures = 2000;

Conversation Saying(unsigned number) {
  std::string text = "how do I bake bread?";
  for (unsigned i = 0; i < number * 5; ++i) text += " and number " + std::to_string(number + i) + '?';
  Conversation out;
  out.AddUser(text);
  return out;
}

// With two categories: what is looked for is not in long prompts.
std::string PolicyNamed(const std::string& name) {
  auto policy = nlohmann::ordered_json::parse(
      *ReadFile(GATEHOUSE_SOURCE_DIR "/models/policies/mlcommons-s14.json", 1u << 20));
  policy["name"] = name;
  auto& categories = policy["categories"];
  categories.erase(categories.begin() + 2, categories.end());
  categories[0]["text"] = "S1: Things that " + name + " minds.";
  return policy.dump();
}

TEST(Crowd, GetsRightVerdictsWhateverHappensMeanwhile) {
  exempt = true;
  constexpr int64_t kBytes = 8 * 1024 * 1024;
  auto loaded = Guard::Load(
      {.model = guard_test::ModelDirectory("lg4-verdict"), .dtype = "f32", .threads = 2, .kv_bytes = kBytes});
  ASSERT_TRUE(loaded.ok()) << loaded.error().Message();
  Guard& guard = *loaded;
  const std::string json[] = {PolicyNamed("first"), PolicyNamed("second")};
  std::map<std::string, std::vector<Verdict>> expected;
  for (const std::string& one : json) {
    guard.UsePolicy(*guard.LoadPolicy(one));
    for (unsigned i = 0; i < kTexts; ++i) {
      auto verdict = guard.Classify(Saying(i));
      ASSERT_TRUE(verdict.ok()) << verdict.error().Message();
      expected[guard.policy_name()].push_back(std::move(*verdict));
    }
  }
  // They can be told apart.
  ASSERT_NE(expected["first"][0].unsafe_score, expected["second"][0].unsafe_score);

  std::mutex current_mutex;
  PolicyHandle current = guard.policy();
  std::atomic<int> answered{0}, failed{0}, wrong{0};
  const auto client = [&](unsigned seed) {
    exempt = true;
    std::mt19937 random(seed);
    for (int i = 0; i < kRounds; ++i) {
      const auto text = static_cast<unsigned>(random() % kTexts);
      ClassifyOptions options;
      options.tenant = std::string(1, static_cast<char>('a' + seed % 3));
      if (random() % 2 == 0) {
        const std::lock_guard lock(current_mutex);
        options.policy = current;
      }
      const bool cancel = random() % 10 == 0;
      Conversation conversation = Saying(text);
      const auto answer = std::make_shared<AwaitedVerdict>();
      Guard::Done done = AwaitedVerdict::Done(answer);
      exempt = false;
      auto request = guard.Submit(std::move(conversation), std::move(options), std::move(done));
      exempt = true;
      if (!request.ok()) {
        ++failed;
        continue;
      }
      if (cancel) request->Cancel();
      const Result<Verdict> verdict = answer->Take();
      if (!verdict.ok()) {
        ++failed;
        continue;
      }
      ++answered;
      const Verdict& right = expected.at(verdict->policy)[text];
      wrong += verdict->unsafe_score != right.unsafe_score || verdict->categories != right.categories ||
               verdict->category_scores != right.category_scores;
    }
  };
  period = kBetweenFailures;
  left = kBetweenFailures;
  std::vector<std::thread> clients;
  for (unsigned i = 0; i < kClients; ++i) clients.emplace_back(client, i);
  int replaced = 0;
  for (; replaced < kReplaced; ++replaced) {
    // Not where allocations fail: destructors of the JSON library take memory, and end the process without.
    auto policy = guard.LoadPolicy(json[replaced % 2]);
    ASSERT_TRUE(policy.ok()) << policy.error().Message();
    if (replaced % 3 == 0) guard.UsePolicy(*policy);
    const std::lock_guard lock(current_mutex);
    current = std::move(*policy);
  }
  for (std::thread& one : clients) one.join();
  period = 0;
  left = INT64_MAX;

  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(answered + failed, kClients * kRounds);
  EXPECT_GT(answered, kClients * kRounds / 4);
  EXPECT_GT(failed, 0);
  EXPECT_GT(failures, 0);
  EXPECT_GT(ImplOf(guard).engine->prefixes().stats().evicted, 0);
  std::printf("%d answered, %d not, %lld allocations failed\n", answered.load(), failed.load(),
              static_cast<long long>(failures));
  // And then as before.
  for (unsigned i = 0; i < kTexts; ++i) {
    const auto verdict = guard.Classify(Saying(i));
    ASSERT_TRUE(verdict.ok()) << verdict.error().Message();
    EXPECT_EQ(verdict->unsafe_score, expected.at(verdict->policy)[i].unsafe_score);
  }
}

}  // namespace
}  // namespace gatehouse

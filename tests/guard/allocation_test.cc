// Memory that is not there: the n-th allocation of sixteen requests fails, for every n. Each request gets an
// error or its right verdict, and afterwards all is as before.
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "base/input_file.h"
#include "failing_allocations.h"
#include "gatehouse/guard.h"
#include "guard_test_models.h"

namespace gatehouse {
namespace {

using namespace failing;

constexpr int kClients = 16;

Conversation Saying(int number, const std::string& image) {
  Conversation out;
  Message message;
  if (!image.empty()) {
    message.parts.push_back(
        Part::Image(*ReadFile(GATEHOUSE_SOURCE_DIR "/tests/golden/images/" + image, 1u << 24), image));
  }
  message.parts.push_back(Part::Text("what do you say to number " + std::to_string(number % 4) + "?"));
  out.messages.push_back(std::move(message));
  return out;
}

// One round of requests. Returns how many got their verdict; counts those that got another one.
int Ask(const Guard& guard, const std::vector<Verdict>& expected, const std::string& image, int* wrong) {
  std::atomic<int> answered{0}, bad{0};
  std::vector<std::thread> clients;
  for (int i = 0; i < kClients; ++i) {
    clients.emplace_back([&, i] {
      exempt = true;
      const Conversation conversation = Saying(i, image);
      exempt = false;
      const auto verdict = guard.Classify(conversation);
      exempt = true;
      if (!verdict.ok()) return;
      ++answered;
      const Verdict& right = expected[static_cast<size_t>(i % 4)];
      bad += verdict->unsafe_score != right.unsafe_score || verdict->categories != right.categories ||
             verdict->category_scores != right.category_scores;
    });
  }
  for (std::thread& client : clients) client.join();
  *wrong += bad;
  return answered;
}

void EveryAllocation(const std::string& image, int64_t step) {
  exempt = true;
  auto guard = Guard::Load({.model = guard_test::ModelDirectory("lg4-verdict"), .threads = 2});
  ASSERT_TRUE(guard.ok());
  std::vector<Verdict> expected;
  for (int i = 0; i < 4; ++i) expected.push_back(guard->Classify(Saying(i, image)).value());
  int wrong = 0;
  // How many a round takes.
  left = INT64_MAX / 2;
  ASSERT_EQ(Ask(*guard, expected, image, &wrong), kClients);
  const int64_t all = INT64_MAX / 2 - left;
  // Of each client's about the same number fails: one for each.
  const int64_t one = all / kClients;
  ASSERT_GT(one, 50);
  int answered = 0, rounds = 0;
  const int64_t failed_before = failures;
  for (int64_t n = 0; n < one; n += step, ++rounds) {
    period = one;
    left = n;
    answered += Ask(*guard, expected, image, &wrong);
    period = 0;
    left = INT64_MAX;
    if (rounds % 50 == 0) {
      ASSERT_EQ(Ask(*guard, expected, image, &wrong), kClients) << "after allocation " << n;
    }
  }
  EXPECT_EQ(Ask(*guard, expected, image, &wrong), kClients);
  EXPECT_EQ(wrong, 0);
  EXPECT_GT(failures - failed_before, rounds);
  EXPECT_LT(answered, rounds * kClients);  // some did end with an error
  std::printf("%lld allocations a request, %d rounds, %lld failed, %d of %d answered\n",
              static_cast<long long>(one), rounds, static_cast<long long>(failures - failed_before), answered,
              rounds * kClients);
}

TEST(Allocation, ATextSurvivesWhicheverFails) { EveryAllocation({}, 1); }
TEST(Allocation, APictureSurvivesWhicheverFails) { EveryAllocation("dot.png", 3); }
TEST(AllocationSampled, ATextSurvivesWhicheverFails) { EveryAllocation({}, 37); }

}  // namespace
}  // namespace gatehouse

// Requests without a thread for each: admitted, shared, cancelled, late; whose policy and whose cache;
// growing answers. Whatever goes on beside it, an answer is the one that the request gets alone.
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <atomic>
#include <condition_variable>
#include <fstream>
#include <mutex>
#include <random>
#include <thread>

#include "base/input_file.h"
#include "gatehouse/stream.h"
#include "guard/guard_impl.h"
#include "guard_test_models.h"

namespace gatehouse {
namespace {

using guard_test::ModelDirectory;
using Time = std::chrono::steady_clock;

Guard Load(int64_t kv_bytes = 0) {
  auto loaded = Guard::Load(
      {.model = ModelDirectory("lg4-verdict"), .dtype = "f32", .threads = 2, .kv_bytes = kv_bytes});
  if (!loaded.ok()) throw std::runtime_error(loaded.error().Message());
  return std::move(loaded).value();
}

Conversation Saying(const std::string& text) {
  Conversation out;
  out.AddUser(text);
  return out;
}

std::string Text(int number) {
  std::string text = "question number " + std::to_string(number);
  for (int i = 0; i < number % 7; ++i) text += " and what else there is to say";
  return text;
}

// Answers as they come, counted.
class Answers {
 public:
  Guard::Done For(size_t number) {
    return [this, number](Result<Verdict> verdict) {
      std::lock_guard lock(mutex_);
      if (number >= all_.size()) all_.resize(number + 1);
      all_[number] = std::move(verdict);
      ++count_;
      there_.notify_all();
    };
  }
  void WaitFor(size_t count) {
    std::unique_lock lock(mutex_);
    ASSERT_TRUE(there_.wait_for(lock, std::chrono::seconds(300), [&] { return count_ >= count; }))
        << count_ << " of " << count;
  }
  size_t count() {
    std::lock_guard lock(mutex_);
    return count_;
  }
  const Result<Verdict>& operator[](size_t number) { return *all_[number]; }

 private:
  std::mutex mutex_;
  std::condition_variable there_;
  std::vector<std::optional<Result<Verdict>>> all_;
  size_t count_ = 0;
};

// A figure of /proc/self/status: kB, or a number.
int64_t StatusOf(const std::string& name) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.rfind(name + ":", 0) == 0) return std::stoll(line.substr(name.size() + 1));
  }
  return 0;
}

TEST(Requests, AThousandWaitWithoutAThreadForEach) {
  const Guard guard = Load();
  constexpr int kTexts = 20, kRequests = 1000;
  std::vector<Verdict> alone;
  for (int i = 0; i < kTexts; ++i) alone.push_back(guard.Classify(Saying(Text(i))).value());
  const int64_t at_rest = StatusOf("Threads");
  Answers answers;
  for (int i = 0; i < kRequests; ++i) {
    ClassifyOptions options;
    options.tenant = "t" + std::to_string(i % 3);
    ASSERT_TRUE(guard.Submit(Saying(Text(i % kTexts)), options, answers.For(static_cast<size_t>(i))).ok());
  }
  EXPECT_LT(answers.count(), static_cast<size_t>(kRequests));  // they do wait
  EXPECT_LE(StatusOf("Threads"), at_rest + 16);
  answers.WaitFor(kRequests);
  for (size_t i = 0; i < kRequests; ++i) {
    ASSERT_TRUE(answers[i].ok()) << answers[i].error().Message();
    EXPECT_EQ(answers[i].value().unsafe_score, alone[i % kTexts].unsafe_score);
    EXPECT_EQ(answers[i].value().category_scores, alone[i % kTexts].category_scores);
    EXPECT_EQ(answers[i].value().categories, alone[i % kTexts].categories);
  }
}

TEST(Requests, TooMuchIsRefusedAtOnceAndNeverLater) {
  auto loaded =
      Guard::Load({.model = ModelDirectory("lg4-verdict"), .threads = 2, .max_waiting_tokens = 2000});
  ASSERT_TRUE(loaded.ok());
  Answers answers;
  size_t admitted = 0;
  int refused = 0;
  for (int i = 0; i < 100; ++i) {
    const auto request = loaded->Submit(Saying(Text(i)), {}, answers.For(admitted));
    if (request.ok()) {
      ++admitted;
      continue;
    }
    ++refused;
    EXPECT_EQ(request.error().code, ErrorCode::kBusy);
    EXPECT_GT(request.error().retry_after, 0.0);
  }
  EXPECT_GT(refused, 0);
  answers.WaitFor(admitted);
  for (size_t i = 0; i < admitted; ++i) EXPECT_TRUE(answers[i].ok());
}

// What waits is weighed by how fast the network was: the policy's own words, computed once, must not make it
// look slow.
TEST(Requests, TheFirstTextOfAPolicyTellsHowFastTheNetworkIs) {
  const Guard guard = Load();
  const Time::time_point begin = Time::now();
  const Result<Verdict> verdict = guard.Classify(Saying("hello"), {});
  const double seconds = std::chrono::duration<double>(Time::now() - begin).count();
  ASSERT_TRUE(verdict.ok());
  EXPECT_GE(ImplOf(guard).engine->rate(), 0.9 * verdict->usage.prompt_tokens / seconds);
}

TEST(Requests, ACancelledOneEndsAndALateOneEndsInTime) {
  const Guard guard = Load();
  ASSERT_TRUE(guard.Classify(Saying("hello")).ok());
  std::string words;
  for (int i = 0; i < 1500; ++i) words += " w" + std::to_string(i);
  Answers answers;
  auto cancelled = guard.Submit(Saying(words), {}, answers.For(0));
  ASSERT_TRUE(cancelled.ok());
  cancelled->Cancel();
  ClassifyOptions late;
  late.deadline = Time::now() + std::chrono::milliseconds(30);
  ASSERT_TRUE(guard.Submit(Saying(words + " late"), late, answers.For(1)).ok());
  ASSERT_TRUE(guard.Submit(Saying("hello"), {}, answers.For(2)).ok());
  answers.WaitFor(3);
  EXPECT_EQ(answers[0].error().code, ErrorCode::kCancelled);
  EXPECT_EQ(answers[1].error().code, ErrorCode::kLate);
  EXPECT_TRUE(answers[2].ok());
  cancelled->Cancel();  // it has its answer: nothing happens
  EXPECT_EQ(answers.count(), 3u);
}

TEST(Requests, AGuardThatGoesEndsWhatIsOnItsWay) {
  Answers answers;
  {
    const Guard guard = Load();
    for (size_t i = 0; i < 50; ++i)
      ASSERT_TRUE(guard.Submit(Saying(Text(static_cast<int>(i))), {}, answers.For(i)).ok());
  }
  ASSERT_EQ(answers.count(), 50u);
  for (size_t i = 0; i < 50; ++i)
    EXPECT_TRUE(answers[i].ok() || answers[i].error().code == ErrorCode::kCancelled);
}

TEST(Requests, WhatATenantAskedIsNotSeenInAnothersAnswer) {
  const Guard guard = Load();
  ClassifyOptions a, b;
  a.tenant = "a";
  b.tenant = "b";
  const std::string text = "a long enough message that somebody may want to know whether another has sent it";
  // The policy's beginning is common, what else they know the same.
  ASSERT_TRUE(guard.Classify(Saying("warm"), a).ok() && guard.Classify(Saying("warm"), b).ok());
  const Verdict fresh = guard.Classify(Saying(text), a).value();
  const Verdict again = guard.Classify(Saying(text), a).value();
  const Verdict other = guard.Classify(Saying(text), b).value();
  EXPECT_GT(again.usage.cached_tokens, fresh.usage.cached_tokens);
  EXPECT_EQ(other.usage.cached_tokens, fresh.usage.cached_tokens);
  EXPECT_EQ(other.unsafe_score, fresh.unsafe_score);
  // Neither is a list of one's own.
  a.categories = b.categories = {{"X1", "X1: Something that only one asks about, with many words."}};
  const Verdict own = guard.Classify(Saying(text), a).value();
  EXPECT_GT(guard.Classify(Saying(text), a).value().usage.cached_tokens, own.usage.cached_tokens);
  EXPECT_EQ(guard.Classify(Saying(text), b).value().usage.cached_tokens, own.usage.cached_tokens);
}

std::string PolicyJson(const std::string& name, const std::string& word) {
  std::string json = *ReadFile(GATEHOUSE_SOURCE_DIR "/models/policies/mlcommons-s14.json", 1u << 20);
  const auto replace = [&](const std::string& from, const std::string& to) {
    ASSERT_NE(json.find(from), std::string::npos) << from;
    for (size_t at = json.find(from); at != std::string::npos; at = json.find(from, at + to.size()))
      json.replace(at, from.size(), to);
  };
  replace("\"mlcommons-s14\"", "\"" + name + "\"");
  replace("\"Violent Crimes", "\"" + word);
  return json;
}

TEST(Policies, ManyOnOneModelEachAsIfItWereAlone) {
  const Guard guard = Load();
  const auto first = guard.LoadPolicy(PolicyJson("first", "Gardening")),
             second = guard.LoadPolicy(PolicyJson("second", "Cooking of any kind"));
  ASSERT_TRUE(first.ok() && second.ok()) << first.error().Message();
  const auto ask = [&](const Guard& by, PolicyHandle policy) {
    ClassifyOptions options;
    options.policy = std::move(policy);
    return by.Classify(Saying("how do I bake bread?"), options).value();
  };
  const Verdict own = ask(guard, nullptr), a = ask(guard, *first), b = ask(guard, *second);
  EXPECT_EQ(a.policy, "first");
  EXPECT_NE(a.unsafe_score, b.unsafe_score);
  EXPECT_NE(a.unsafe_score, own.unsafe_score);
  const Guard fresh = Load();
  EXPECT_EQ(ask(fresh, *fresh.LoadPolicy(PolicyJson("second", "Cooking of any kind"))).unsafe_score,
            b.unsafe_score);
  EXPECT_FALSE(guard.LoadPolicy("{}").ok());
  EXPECT_EQ(guard.LoadPolicy("{").error().code, ErrorCode::kBadInput);
}

TEST(Policies, AThousandReloadsUnderLoadLeaveNothingBehind) {
  Guard guard = Load();
  const std::string json = PolicyJson("reloaded", "Gardening");
  Engine& engine = *ImplOf(guard).engine;
  guard.UsePolicy(*guard.LoadPolicy(json));
  const Verdict expected = guard.Classify(Saying("hello")).value();
  std::atomic<bool> stop{false};
  std::atomic<int> asked{0}, wrong{0};
  std::thread client([&] {
    while (!stop) {
      const auto verdict = guard.Classify(Saying("hello"));
      wrong += !verdict.ok() || verdict->unsafe_score != expected.unsafe_score;
      ++asked;
    }
  });
  int32_t most = 0;
  for (int i = 0; i < 1000; ++i) {
    guard.UsePolicy(*guard.LoadPolicy(json));
    if (i % 50 != 0) continue;
    ASSERT_TRUE(guard.Classify(Saying("hello")).ok());
    most = std::max(most, engine.pages_in_use());
  }
  stop = true;
  client.join();
  EXPECT_EQ(wrong, 0);
  EXPECT_GT(asked, 0);
  ASSERT_TRUE(guard.Classify(Saying("hello")).ok());
  // A text of the policy, of those on their way the same again, and no more.
  EXPECT_LE(most, 40 * 3);
  EXPECT_LE(engine.pages_in_use(), 40);
}

// Whoever finds no room waits: the pages of all that is kept and runs stay within the budget, and so does the
// program's memory.
TEST(Requests, SixtyFourLongPromptsStayWithinTheBytes) {
  int64_t page = 0;
  {
    const Guard small = Load();
    page = ImplOf(small).engine->bytes_of_page();
  }
  const Guard guard = Load(200 * page);
  // At rest: what is mapped has been read, and the pass's matrices are made by the first pass.
  ASSERT_TRUE(guard.Classify(Saying("hello")).ok());
  const int64_t budget = guard.memory().keys_and_values + guard.memory().passes;
  const int64_t at_rest = StatusOf("VmRSS") * 1024;
  std::ofstream("/proc/self/clear_refs") << '5';  // VmHWM begins anew
  Answers answers;
  for (size_t i = 0; i < 64; ++i) {
    std::string text = "number " + std::to_string(i);
    for (int j = 0; j < 350; ++j)
      text += " word" + std::to_string((i * 31 + static_cast<size_t>(j) * 7) % 90);
    ASSERT_TRUE(guard.Submit(Saying(text), {}, answers.For(i)).ok());
  }
  int32_t most = 0;
  while (answers.count() < 64) {
    most = std::max(most, ImplOf(guard).engine->pages_in_use());
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  for (size_t i = 0; i < 64; ++i) EXPECT_TRUE(answers[i].ok()) << answers[i].error().Message();
  EXPECT_LE(most, 200);
  EXPECT_GT(most, 100);
  const int64_t peak = StatusOf("VmHWM") * 1024;
  std::printf("%lld bytes at rest, %lld at most, %lld of keys, values and passes\n",
              static_cast<long long>(at_rest), static_cast<long long>(peak), static_cast<long long>(budget));
  EXPECT_LE(static_cast<double>(peak), 1.1 * static_cast<double>(at_rest + budget));
  EXPECT_GT(peak, at_rest / 2);  // it was read
  // What can never find room hears so.
  const Guard tiny = Load(8 * page);
  const auto refused = tiny.Classify(Saying("hello"));
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, ErrorCode::kBadInput);
  EXPECT_NE(refused.error().Message().find("--kv-bytes"), std::string::npos);
}

TEST(Streams, ManyAtOnceComputeLittleMoreThanTheirAnswers) {
  const Guard guard = Load();
  const Engine& engine = *ImplOf(guard).engine;
  const Conversation before = Saying("Tell me a long story, please.");
  const auto ids_of = [&](const std::string& text) {
    Conversation c = before;
    c.AddAssistant(text);
    return ImplOf(guard).Prepare(*guard.policy(), c, {}).value().tokens.ids;
  };
  // What the policy puts behind a message: where a longer message's prompt goes on otherwise.
  const std::vector<int32_t> shorter = ids_of("A story"), longer = ids_of("A story of many words");
  const int64_t tail =
      shorter.end() - std::mismatch(shorter.begin(), shorter.end(), longer.begin(), longer.end()).first;
  ASSERT_GT(tail, 0);
  Conversation known = before;
  known.AddAssistant("x");
  ASSERT_TRUE(guard.Classify(known).ok());
  constexpr int kStreams = 32, kPieces = 12;
  std::vector<std::unique_ptr<Stream>> streams;
  for (int i = 0; i < kStreams; ++i) streams.push_back(std::make_unique<Stream>(guard, before));
  const int64_t before_tokens = engine.stats().tokens;
  std::atomic<int> failed{0};
  const auto empty = static_cast<int64_t>(ids_of("").size());
  for (int piece = 0; piece < kPieces; ++piece) {
    std::vector<std::thread> threads;
    for (int i = 0; i < kStreams; ++i) {
      threads.emplace_back([&, i] {
        const auto verdict =
            streams[static_cast<size_t>(i)]->Append(" piece " + std::to_string(i) + " of a story");
        failed += !verdict.ok();
      });
    }
    for (std::thread& thread : threads) thread.join();
  }
  EXPECT_EQ(failed, 0);
  int64_t answer_tokens = 0;
  for (const auto& stream : streams)
    answer_tokens += static_cast<int64_t>(ids_of(stream->text()).size()) - empty;
  const int64_t computed = engine.stats().tokens - before_tokens;
  const int64_t checks = kStreams * kPieces;
  EXPECT_LE(computed, answer_tokens + checks * (tail + 4));
  EXPECT_GE(computed, answer_tokens);
}

TEST(Streams, TheEndIsJudgedAndWhatWaitsIsCounted) {
  const Guard guard = Load();
  Stream stream(guard, Saying("Tell me more."));
  stream.Add("A story of many words");
  EXPECT_GT(stream.unjudged_tokens(), 2);
  const auto late = stream.Check(Time::now() - std::chrono::seconds(1));
  EXPECT_EQ(late.error().code, ErrorCode::kLate);
  EXPECT_GT(stream.unjudged_tokens(), 2);
  const auto checked = stream.Check();
  ASSERT_TRUE(checked.ok());
  EXPECT_EQ(stream.unjudged_tokens(), 0);
  ASSERT_TRUE(stream.Append(" of the caf\xC3").ok());
  EXPECT_EQ(stream.text(), "A story of many words of the caf");
  const auto end = stream.Finish();
  ASSERT_TRUE(end.ok());
  EXPECT_EQ(stream.text(), "A story of many words of the caf\xC3");
  Conversation whole = Saying("Tell me more.");
  whole.AddAssistant(stream.text());
  const auto expected = guard.Classify(whole);
  ASSERT_TRUE(expected.ok());
  EXPECT_EQ(end->unsafe_score, expected->unsafe_score);
  EXPECT_EQ(end->category_scores, expected->category_scores);
}

}  // namespace
}  // namespace gatehouse

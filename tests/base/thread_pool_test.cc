// The pool by itself: every index once, who works, and what a body that throws leaves behind.
#include "base/thread_pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <new>
#include <set>
#include <stdexcept>
#include <thread>
#include <vector>

namespace gatehouse {
namespace {

using namespace std::chrono_literals;

TEST(ThreadPool, EveryIndexOnce) {
  for (const int threads : {1, 2, 3, 8}) {
    ThreadPool pool(threads);
    EXPECT_EQ(pool.threads(), threads);
    for (const int64_t count : {0, 1, 2, 3, 7, 8, 9, 1000}) {
      std::vector<std::atomic<int>> seen(static_cast<size_t>(count));
      std::atomic<bool> numbered{true};
      pool.For(count, [&](int64_t index, int thread) {
        ++seen.at(static_cast<size_t>(index));
        if (thread < 0 || thread >= threads) numbered = false;
      });
      for (const std::atomic<int>& times : seen) EXPECT_EQ(times, 1) << threads << " threads, " << count;
      EXPECT_TRUE(numbered);
    }
    pool.For(-3, [](int64_t, int) { ADD_FAILURE() << "there is no index"; });
  }
}

// Scratch is chosen by the number: two threads must never have the same one, and the caller is thread 0.
TEST(ThreadPool, ANumberIsOneThread) {
  ThreadPool pool(4);
  std::mutex mutex;
  std::map<int, std::set<std::thread::id>> who;
  for (int loop = 0; loop < 50; ++loop) {
    pool.For(16, [&](int64_t, int thread) {
      std::this_thread::sleep_for(100us);  // time for others to join
      const std::lock_guard lock(mutex);
      who[thread].insert(std::this_thread::get_id());
    });
  }
  for (const auto& [thread, ids] : who) EXPECT_EQ(ids.size(), 1u) << thread;
  EXPECT_EQ(who[0], std::set<std::thread::id>{std::this_thread::get_id()});
  EXPECT_GT(who.size(), 1u) << "nobody helped";
}

// Nobody waits for a thread that has not begun, but one that is needed comes.
TEST(ThreadPool, TwoWorkAtOnce) {
  ThreadPool pool(2);
  for (const auto pause : {0ms, 0ms, 20ms, 0ms, 20ms}) {  // while workers poll, and when they sleep
    std::this_thread::sleep_for(pause);
    std::atomic<int> begun{0};
    std::atomic<bool> met{true};
    pool.For(2, [&](int64_t, int) {
      ++begun;
      const auto until = std::chrono::steady_clock::now() + 60s;
      while (begun < 2 && met) {
        if (std::chrono::steady_clock::now() > until) met = false;
        std::this_thread::yield();
      }
    });
    EXPECT_TRUE(met);
  }
}

// Plain memory, which a sanitizer watches: what stood before a loop is seen in it, what it wrote behind it.
TEST(ThreadPool, ResultsAreThereWhenItReturns) {
  ThreadPool pool(3);
  std::vector<int64_t> from(64), to(64);
  for (int64_t loop = 0; loop < 2000; ++loop) {
    for (int64_t& value : from) value = loop;
    pool.For(64, [&](int64_t index, int) {
      const auto at = static_cast<size_t>(index);
      if (loop % 500 == 0 && index % 7 == 3) std::this_thread::sleep_for(1ms);  // For waits for the slowest
      to[at] = from[at] * 3 + index;
    });
    for (int64_t index = 0; index < 64; ++index) ASSERT_EQ(to[static_cast<size_t>(index)], loop * 3 + index);
  }
}

// Short loops one behind the other: a worker that comes late to one must not touch the next one's indices
// with the last one's body.
TEST(ThreadPool, ManyShortLoops) {
  ThreadPool pool(4);
  for (int64_t loop = 0; loop < 20000; ++loop) {
    std::atomic<int64_t> sum{0};
    const int64_t count = loop % 5 + 1;
    pool.For(count, [&sum, loop](int64_t index, int) { sum += loop * 10 + index; });
    ASSERT_EQ(sum, count * loop * 10 + count * (count - 1) / 2) << loop;
  }
}

// One thread at a time calls For, but it need not be the same one.
TEST(ThreadPool, CallersMayChange) {
  ThreadPool pool(2);
  for (int i = 0; i < 20; ++i) {
    std::thread([&] {
      std::atomic<int> zero_is_other{0};
      const auto caller = std::this_thread::get_id();
      pool.For(8, [&](int64_t, int thread) {
        zero_is_other += (thread == 0) != (std::this_thread::get_id() == caller);
      });
      EXPECT_EQ(zero_is_other, 0);
    }).join();
  }
}

TEST(ThreadPool, EndsAtAnyTime) {
  for (int i = 0; i < 200; ++i) {
    auto pool = std::make_unique<ThreadPool>(i % 4 + 1);
    std::atomic<int> done{0};
    if (i % 3 > 0) pool->For(5, [&](int64_t, int) { ++done; });
    if (i % 40 == 2) std::this_thread::sleep_for(5ms);  // its workers sleep
    pool.reset();
    EXPECT_EQ(done, i % 3 > 0 ? 5 : 0);
  }
}

TEST(ThreadPool, ThrowsWhatABodyThrewAndGoesOn) {
  for (const int threads : {1, 2, 5}) {
    ThreadPool pool(threads);
    for (int round = 0; round < 200; ++round) {
      std::atomic<int> begun{0};
      EXPECT_THROW(pool.For(100,
                            [&](int64_t index, int) {
                              ++begun;
                              if (index == round % 100) throw std::bad_alloc();
                            }),
                   std::bad_alloc);
      EXPECT_GE(begun, 1);
      std::atomic<int64_t> sum{0};
      pool.For(100, [&](int64_t index, int) { sum += index; });
      EXPECT_EQ(sum, 4950);
    }
  }
}

TEST(ThreadPool, ThrowsOnceWhereAllBodiesThrow) {
  ThreadPool pool(4);
  for (int round = 0; round < 200; ++round) {
    EXPECT_THROW(pool.For(50, [](int64_t, int) { throw std::runtime_error("each"); }), std::runtime_error);
  }
  std::atomic<int> done{0};
  pool.For(50, [&](int64_t, int) { ++done; });
  EXPECT_EQ(done, 50);
}

TEST(ThreadPool, DefaultIsPossible) {
  EXPECT_GE(ThreadPool::DefaultThreads(), 1);
  EXPECT_LE(ThreadPool::DefaultThreads(), ThreadPool::kMaxThreads);
}

}  // namespace
}  // namespace gatehouse

// The pool by itself: every index once, and what a body that throws leaves behind.
#include "base/thread_pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <new>
#include <stdexcept>
#include <vector>

namespace gatehouse {
namespace {

TEST(ThreadPool, HandsOutEveryIndexOnce) {
  for (const int threads : {1, 2, 5}) {
    ThreadPool pool(threads);
    for (const int64_t count : {0, 1, 2, 7, 1000}) {
      std::vector<std::atomic<int>> taken(static_cast<size_t>(count));
      pool.For(count, [&](int64_t index, int thread) {
        EXPECT_TRUE(thread >= 0 && thread < threads);
        ++taken[static_cast<size_t>(index)];
      });
      for (const std::atomic<int>& times : taken) EXPECT_EQ(times, 1) << threads << " threads, " << count;
    }
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

}  // namespace
}  // namespace gatehouse

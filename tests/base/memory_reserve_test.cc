#include "base/memory_reserve.h"

#include <gtest/gtest.h>

#include <new>

namespace gatehouse {
namespace {

TEST(MemoryReserve, HelpsOnceAndComesBack) {
  EXPECT_TRUE(MemoryReserve::IsThere());  // nobody keeps one
  const std::new_handler before = std::get_new_handler();
  MemoryReserve::Keep(1 << 20);
  const std::new_handler on_failure = std::get_new_handler();
  ASSERT_NE(on_failure, before);
  for (int round = 0; round < 2; ++round) {
    on_failure();                                    // the allocation is tried again
    EXPECT_THROW(on_failure(), std::bad_alloc);      // there is no more
    EXPECT_TRUE(MemoryReserve::IsThere()) << round;  // there is memory for it
  }
  // More than any machine has: it is not there, and says so.
  MemoryReserve::Keep(1 << 20);
  on_failure();
  MemoryReserve::Keep(size_t{1} << 60);
  EXPECT_FALSE(MemoryReserve::IsThere());
  EXPECT_THROW(on_failure(), std::bad_alloc);
  std::set_new_handler(before);
}

}  // namespace
}  // namespace gatehouse

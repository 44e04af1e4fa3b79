// Memory that ends when a test says so. A program that links this has operator new and aligned_alloc of its
// own, in a file of its own, where no compiler sees both ends of an allocation.
#pragma once

#include <atomic>
#include <cstdint>

namespace gatehouse::test {

extern std::atomic<int64_t> before_failure;  // allocations before the one that fails; negative: none does
extern std::atomic<int64_t> counted;         // allocations, ever

}  // namespace gatehouse::test

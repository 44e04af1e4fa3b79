// Allocations that fail when a test says so: all of `operator new`, and what the backend takes for its
// matrices. Linked in, it replaces them for the whole program.
#pragma once

#include <atomic>
#include <cstdint>

namespace gatehouse::failing {

// Threads of the test set it; all others are the guard's.
extern thread_local bool exempt;
// Counts down; the one that finds zero fails, and every `period`-th after it (0: none does).
extern std::atomic<int64_t> left, period;
extern std::atomic<int64_t> failures;

}  // namespace gatehouse::failing

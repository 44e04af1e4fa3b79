#include "failing_allocations.h"

#include <malloc.h>

#include <cstdlib>
#include <new>

namespace gatehouse::failing {

thread_local bool exempt = false;
std::atomic<int64_t> left{INT64_MAX}, period{0};
std::atomic<int64_t> failures{0};

}  // namespace gatehouse::failing

namespace {

bool Fails() {
  using namespace gatehouse::failing;
  if (exempt) return false;
  const int64_t now = left.fetch_sub(1, std::memory_order_relaxed);
  if (now > 0) return false;
  const int64_t every = period.load(std::memory_order_relaxed);
  if (every == 0 || now % every != 0) return false;
  failures.fetch_add(1, std::memory_order_relaxed);
  return true;
}

void* Take(size_t size) {
  void* memory = Fails() ? nullptr : std::malloc(size > 0 ? size : 1);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

}  // namespace

void* operator new(size_t size) { return Take(size); }
void* operator new[](size_t size) { return Take(size); }
void* operator new(size_t size, const std::nothrow_t&) noexcept {
  return Fails() ? nullptr : std::malloc(size > 0 ? size : 1);
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, size_t) noexcept { std::free(memory); }
void operator delete(void* memory, const std::nothrow_t&) noexcept { std::free(memory); }
// What the backend takes for its matrices.
extern "C" void* aligned_alloc(size_t alignment, size_t size) noexcept {
  return Fails() ? nullptr : ::memalign(alignment, size);
}

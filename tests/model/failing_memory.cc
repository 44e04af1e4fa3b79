#include "model/failing_memory.h"

#include <cstdlib>
#include <new>

namespace gatehouse::test {

std::atomic<int64_t> before_failure{-1};
std::atomic<int64_t> counted{0};

namespace {

bool Fails() {
  ++counted;
  return before_failure.load() >= 0 && before_failure.fetch_sub(1) == 0;
}

}  // namespace
}  // namespace gatehouse::test

void* operator new(size_t size) {
  void* const memory = gatehouse::test::Fails() ? nullptr : std::malloc(size > 0 ? size : 1);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, size_t) noexcept { std::free(memory); }

// What backends take their large pieces by.
extern "C" void* aligned_alloc(size_t alignment, size_t size) {
  void* memory = nullptr;
  if (gatehouse::test::Fails() || ::posix_memalign(&memory, alignment, size) != 0) return nullptr;
  return memory;
}

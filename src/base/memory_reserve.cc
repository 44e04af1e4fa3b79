#include "base/memory_reserve.h"

#include <sys/mman.h>

#include <atomic>
#include <mutex>
#include <new>

namespace gatehouse {
namespace {

std::atomic<void*> reserve_memory{nullptr};
std::atomic<size_t> reserve_bytes{0};

// Not by malloc: what that gives back it may keep, and it would learn from the size. Populated, for a promise
// of memory is none.
void* Take(size_t bytes) {
  void* const memory =
      ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
  return memory == MAP_FAILED ? nullptr : memory;
}

void SetFree() {
  void* const kept = reserve_memory.exchange(nullptr);
  if (kept == nullptr) throw std::bad_alloc();
  ::munmap(kept, reserve_bytes.load());
}

}  // namespace

void MemoryReserve::Keep(size_t bytes) {
  reserve_bytes.store(bytes);
  std::set_new_handler(SetFree);
  IsThere();
}

bool MemoryReserve::IsThere() {
  if (reserve_bytes.load() == 0 || reserve_memory.load() != nullptr) return true;
  static std::mutex one;
  const std::lock_guard lock(one);
  if (reserve_memory.load() == nullptr) reserve_memory.store(Take(reserve_bytes.load()));
  return reserve_memory.load() != nullptr;
}

}  // namespace gatehouse

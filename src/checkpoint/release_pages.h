// ReleasePages: tells the system that a stretch of a mapped file is done with, so that streaming through a
// large file does not grow this process. The data stay readable (they come from the page cache again).
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <span>

namespace gatehouse {

// bytes must lie in a read-only file mapping; pages that it shares with its neighbours are left alone.
inline void ReleasePages(std::span<const std::byte> bytes) {
  const auto page = static_cast<uintptr_t>(::sysconf(_SC_PAGESIZE));
  const uintptr_t first = (reinterpret_cast<uintptr_t>(bytes.data()) + page - 1) / page * page;
  const uintptr_t last = reinterpret_cast<uintptr_t>(bytes.data() + bytes.size()) / page * page;
  if (last > first) ::madvise(reinterpret_cast<void*>(first), last - first, MADV_DONTNEED);
}

}  // namespace gatehouse

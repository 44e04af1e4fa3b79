// MemoryReserve: memory that is kept for when there is none. The first `operator new` that fails sets it free
// and tries again, so that what is under way can end in good order: destructors of the JSON library take
// memory, and the process would end where they find none. From then on nothing new should begin until it is
// back.
//
//   MemoryReserve::Keep(16 << 20);   // once, by a program
//   if (!MemoryReserve::IsThere()) ...refuse...
#pragma once

#include <cstddef>

namespace gatehouse {

class MemoryReserve {
 public:
  // Also installs the handler of new. Without it the reserve is always there.
  static void Keep(size_t bytes);
  // Takes it anew where it was set free. False: there is no memory for it.
  static bool IsThere();
};

}  // namespace gatehouse

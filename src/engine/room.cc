#include "engine/room.h"

#include <algorithm>

#include "engine/batch_rows.h"

namespace gatehouse {
namespace {

// Rows of continuations behind a text: as many as the first pass of most, and every later one.
constexpr int32_t kRowsBehind = 64;

}  // namespace

int64_t Room::PagesFor(const Task& task) {
  // One more: a page that others share is copied before it is written.
  return gatehouse::PagesFor(task.tokens() + std::max(kRowsBehind, TreeRows(task.questions))) + 1;
}

// What the sequence does not hold yet. Its pages count as used, its own and those it shares.
int64_t Room::Outstanding(const Task& task) {
  return std::max<int64_t>(task.pages_ - static_cast<int64_t>(task.sequence.pages().size()), 0);
}

int64_t Room::Missing(const Task& task, const Running& running) const {
  int64_t wanted = Outstanding(task);
  for (const auto& other : running) wanted += Outstanding(*other);
  return wanted - (most_pages_ - pool_.in_use());
}

bool Room::Fits(const Task& task, const Running& running) {
  const int64_t missing = Missing(task, running);
  return missing <= 0 || cache_.Evict(missing) >= missing;
}

}  // namespace gatehouse

#include "backend/open_passes.h"

#include <cassert>
#include <utility>

namespace gatehouse {

void OpenPasses::Begin() {
  const std::thread::id self = std::this_thread::get_id();
  if (depth_ == 0) {
    [[maybe_unused]] const std::thread::id before = owner_.exchange(self);
    assert(before == std::thread::id() && "another thread's pass is open");
  }
  assert(owner_.load() == self && "passes of two threads within each other");
  ++depth_;
  if (depth_ <= kDeepest) errors_[depth_ - 1].reset();
}

Result<void> OpenPasses::End() {
  assert(depth_ > 0 && owner_.load() == std::this_thread::get_id());
  std::optional<Error> error = std::move(innermost());
  if (depth_ <= kDeepest) innermost().reset();
  --depth_;
  if (depth_ == 0) owner_.store({});
  if (error) return *std::move(error);
  return {};
}

bool OpenPasses::MayGoOn() const {
  assert(depth_ > 0 && "an operation outside any pass");
  assert(owner_.load() == std::this_thread::get_id() && "an operation from another thread than its pass");
  return !errors_[(depth_ == 0 ? 1 : depth_ < kDeepest ? depth_ : kDeepest) - 1];
}

void OpenPasses::Fail(Error error) {
  if (!innermost()) innermost() = std::move(error);
}

void OpenPasses::FailAll(Error error) {
  for (size_t i = 0; i < depth_ && i < kDeepest; ++i) {
    if (!errors_[i]) errors_[i] = error;
  }
}

}  // namespace gatehouse

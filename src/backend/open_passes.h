// OpenPasses: the passes that are open on a backend, each with its first failure, and which thread they
// belong to. What a backend keeps to hold what backend.h says about passes.
//
//   void Linear(...) override {
//     if (!passes_.MayGoOn()) return;
//     if (!launched) passes_.Fail(InternalError("...", "device"));
//   }
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <optional>
#include <thread>

#include "gatehouse/result.h"

namespace gatehouse {

class OpenPasses {
 public:
  void Begin();
  // The innermost pass: what went wrong in it, or nothing.
  Result<void> End();

  // False where the innermost pass has failed, so that its operations have nothing sensible to work on. In
  // debug builds the end of the program where the calling thread is not the passes' own, or no pass is open.
  bool MayGoOn() const;
  void Fail(Error error);     // the innermost pass
  void FailAll(Error error);  // every open pass: a failure that nobody can tell the origin of
  bool any() const { return depth_ > 0; }

 private:
  // A picture or a long text, a short pass within; a calibration's own. More than these share the last one.
  static constexpr size_t kDeepest = 4;
  std::optional<Error>& innermost() {
    return errors_[depth_ > 0 ? (depth_ < kDeepest ? depth_ : kDeepest) - 1 : 0];
  }

  size_t depth_ = 0;
  std::array<std::optional<Error>, kDeepest> errors_;
  std::atomic<std::thread::id> owner_{};
};

}  // namespace gatehouse

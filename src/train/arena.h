// Arena: many matrices in one piece of a device's memory, taken at once. What is wanted is listed by a
// function that runs twice, first to count, then to give out; a smaller batch fits into what a larger one
// took.
//
//   GATEHOUSE_TRY(arena.Lay(ops, [&](Arena& space) { x = space.Take(rows, hidden); y = space.Take(rows, ffn);
//   }));
#pragma once

#include <cstdint>
#include <memory>

#include "gatehouse/result.h"
#include "train/operations.h"

namespace gatehouse::train {

class Arena {
 public:
  // Matrices that were taken before are gone.
  template <typename List>
  Result<void> Lay(Operations& ops, List list) {
    used_ = 0;
    list(*this);
    if (used_ > size_) {
      buffer_.reset();
      size_ = 0;
      GATEHOUSE_ASSIGN(buffer_, ops.Allocate(used_));
      size_ = used_;
    }
    used_ = 0;
    list(*this);
    return {};
  }
  // Uninitialised.
  Mat Take(int64_t rows, int64_t cols) {
    constexpr int64_t kAlign = 16;  // floats: a cache line
    const Mat out = {buffer_.get(), used_, rows, cols};
    used_ += (rows * cols + kAlign - 1) / kAlign * kAlign;
    return out;
  }
  int64_t bytes() const { return size_ * static_cast<int64_t>(sizeof(float)); }

 private:
  std::unique_ptr<DeviceBuffer> buffer_;
  int64_t size_ = 0, used_ = 0;
};

}  // namespace gatehouse::train

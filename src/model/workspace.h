// Workspace: device matrices that a forward pass reuses from call to call. They grow, never shrink.
#pragma once

#include <algorithm>
#include <memory>

#include "backend/backend.h"

namespace gatehouse {

class Workspace {
 public:
  explicit Workspace(Backend& backend) : backend_(backend) {}

  // [rows, cols]; what it held before is gone.
  Mat Get(int64_t rows, int64_t cols) {
    if (rows * cols > elements_) {
      elements_ = rows * cols;
      buffer_.reset();
      buffer_ = backend_.Allocate(elements_);
    }
    return {buffer_.get(), 0, rows, cols};
  }

 private:
  Backend& backend_;
  std::unique_ptr<DeviceBuffer> buffer_;
  int64_t elements_ = 0;
};

}  // namespace gatehouse

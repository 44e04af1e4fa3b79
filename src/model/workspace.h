// Workspace: a device matrix that passes reuse from one to the next, so that its address stays.
//
//   Workspace q(backend, backend.ActivationType());
//   GATEHOUSE_TRY(q.Reserve(rows * cols));  // before a pass, for the largest one
//   const Mat of_this_pass = q.Get(rows, cols);
#pragma once

#include <cassert>
#include <memory>

#include "backend/backend.h"

namespace gatehouse {

class Workspace {
 public:
  explicit Workspace(Backend& backend, DType type = DType::kF32) : backend_(backend), type_(type) {}

  // Room for so many elements; what it held is gone where that is more than before. Not while a Mat of it is
  // in use.
  Result<void> Reserve(int64_t elements) {
    if (elements <= elements_) return {};
    elements_ = 0;
    buffer_.reset();  // the old memory may be needed for the new
    GATEHOUSE_ASSIGN(buffer_, backend_.Allocate(elements, type_));
    elements_ = elements;
    return {};
  }
  // [rows, cols] within what was reserved; what it held before is gone.
  Mat Get(int64_t rows, int64_t cols) const {
    assert(rows * cols <= elements_);
    return {buffer_.get(), 0, rows, cols, type_};
  }
  int64_t BytesFor(int64_t elements) const {
    const BlockInfo block = BlockOf(type_);
    return elements / block.values * block.bytes;
  }

 private:
  Backend& backend_;
  DType type_;
  std::unique_ptr<DeviceBuffer> buffer_;
  int64_t elements_ = 0;
};

}  // namespace gatehouse

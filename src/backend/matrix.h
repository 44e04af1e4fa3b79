// Memory of a device, and matrices in it. Nothing here can be read by the host: what lies in a DeviceBuffer
// goes in and out by Backend::Upload and Download alone.
#pragma once

#include <cstdint>

#include "tensor/tensor.h"

namespace gatehouse {

// Freed by its destructor, which waits for what still uses it; it may be freed after its backend is gone.
class DeviceBuffer {
 public:
  virtual ~DeviceBuffer() = default;
};

// A row-major [rows, cols] piece of a device buffer, and what it holds: values (float32, or a shorter float
// where a backend says so, Backend::ActivationType), or numbers of rows (int32).
struct Mat {
  DeviceBuffer* buffer = nullptr;
  int64_t offset = 0;  // elements
  int64_t rows = 0;
  int64_t cols = 0;
  DType type = DType::kF32;

  Mat Rows(int64_t first, int64_t count) const { return {buffer, offset + first * cols, count, cols, type}; }
};

// A weight on the device.
class DeviceWeight {
 public:
  virtual ~DeviceWeight() = default;
  int64_t rows = 0;
  int64_t cols = 0;
};

}  // namespace gatehouse

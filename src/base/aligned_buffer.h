// AlignedBuffer: memory for kernels, aligned for the widest vectors, uninitialised; it grows and never
// shrinks, and what it held is gone when it grows. Throws std::bad_alloc, of which those who compute in it
// make an error.
//
//   AlignedBuffer scratch;
//   float* tile = scratch.GetAs<float>(rows * kPanel);
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <new>

namespace gatehouse {

class AlignedBuffer {
 public:
  AlignedBuffer() = default;
  ~AlignedBuffer() { std::free(data_); }
  AlignedBuffer(const AlignedBuffer&) = delete;
  AlignedBuffer& operator=(const AlignedBuffer&) = delete;
  AlignedBuffer(AlignedBuffer&& other) noexcept : data_(other.data_), bytes_(other.bytes_) {
    other.data_ = nullptr;
    other.bytes_ = 0;
  }

  void* Get(size_t bytes) {
    if (bytes > bytes_) {
      std::free(data_);
      bytes_ = (bytes + 63) / 64 * 64;
      data_ = std::aligned_alloc(64, bytes_);
      if (data_ == nullptr) {
        bytes_ = 0;
        throw std::bad_alloc();
      }
    }
    return data_;
  }
  size_t bytes() const { return bytes_; }
  std::byte* data() const { return static_cast<std::byte*>(data_); }
  template <typename T>
  T* GetAs(int64_t count) {
    return static_cast<T*>(Get(static_cast<size_t>(count) * sizeof(T)));
  }

 private:
  void* data_ = nullptr;
  size_t bytes_ = 0;
};

}  // namespace gatehouse

// MappedFile: a file mapped read-only into memory, with its size. Pages are read on first touch.
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "gatehouse/result.h"

namespace gatehouse {

class MappedFile {
 public:
  // Errors: kModel when the file is missing, unreadable, or not a regular file.
  static Result<MappedFile> Open(const std::string& path);

  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  ~MappedFile();

  std::span<const std::byte> bytes() const { return {data_, size_}; }
  const std::string& path() const { return path_; }

 private:
  MappedFile() = default;
  const std::byte* data_ = nullptr;
  size_t size_ = 0;
  std::string path_;
};

// Reads a whole (small) file. Errors: kBadInput when missing, unreadable or larger than max_bytes.
Result<std::string> ReadFile(const std::string& path, size_t max_bytes);

}  // namespace gatehouse

// MappedFile: a file mapped read-only into memory, with its size. Pages are read on first touch.
//
// What is not handled: a file that another program cuts, or a disk that fails, while it is mapped. The system
// then ends the process with SIGBUS at the next touch of what is gone: no verdict comes of it. Files are
// replaced by renaming (base/output_file.h), which leaves the mapped one whole.
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "base/input_file.h"  // ReadFile
#include "gatehouse/result.h"

namespace gatehouse {

class MappedFile {
 public:
  // Errors: kModel when the file is missing, unreadable, not a regular file, or changing.
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

}  // namespace gatehouse

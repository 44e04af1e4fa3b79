#include "base/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "base/error.h"

namespace gatehouse {

Result<MappedFile> MappedFile::Open(const std::string& path) {
  const auto failed = [&](const char* what, int why) {
    return ModelError(what, path, "a readable file", SystemText(why));
  };
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));  // not to wait for a pipe
  if (!file.IsOpen()) return failed("cannot open file", errno);
  struct stat info {};
  if (::fstat(file.number(), &info) != 0) return failed("cannot read file", errno);
  if (S_ISDIR(info.st_mode)) return failed("cannot read file", EISDIR);
  if (!S_ISREG(info.st_mode))
    return ModelError("cannot map file", path, "a regular file", "a pipe or a device");
  MappedFile out;
  out.path_ = path;
  if (info.st_size == 0) return out;
  const auto size = static_cast<size_t>(info.st_size);
  void* address = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, file.number(), 0);
  if (address == MAP_FAILED) return failed("cannot map file", errno);
  out.data_ = static_cast<const std::byte*>(address);
  out.size_ = size;
  // A download that is going on, say.
  struct stat after {};
  if (::fstat(file.number(), &after) != 0) return failed("cannot read file", errno);
  if (after.st_size != info.st_size) {
    return ModelError("file changes while it is read", path, std::to_string(info.st_size) + " bytes",
                      std::to_string(after.st_size));
  }
  return out;
}

MappedFile::MappedFile(MappedFile&& other) noexcept { *this = std::move(other); }

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  std::swap(path_, other.path_);
  return *this;
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) ::munmap(const_cast<std::byte*>(data_), size_);
}

}  // namespace gatehouse

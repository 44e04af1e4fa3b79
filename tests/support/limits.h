// What a test needs to see reading and writing fail, as root too.
#pragma once

#include <sys/resource.h>
#include <sys/types.h>

namespace gatehouse::test {

// No file may grow beyond so many bytes in this scope (`ulimit -f`).
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes);
  ~FileSizeLimit();
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;

 private:
  rlimit before_;
};

// Root reads everything; in this scope this process is nobody, where it was root.
class Nobody {
 public:
  Nobody();
  ~Nobody();
  Nobody(const Nobody&) = delete;
  Nobody& operator=(const Nobody&) = delete;

 private:
  uid_t before_;
};

}  // namespace gatehouse::test

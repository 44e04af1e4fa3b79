#include "support/limits.h"

#include <unistd.h>

#include <stdexcept>

namespace gatehouse::test {
namespace {

void Check(int result) {
  if (result != 0) throw std::runtime_error("the system does not allow what this test needs");
}

}  // namespace

FileSizeLimit::FileSizeLimit(rlim_t bytes) {
  Check(::getrlimit(RLIMIT_FSIZE, &before_));
  const rlimit now{bytes, before_.rlim_max};
  Check(::setrlimit(RLIMIT_FSIZE, &now));
}
FileSizeLimit::~FileSizeLimit() { ::setrlimit(RLIMIT_FSIZE, &before_); }

Nobody::Nobody() : before_(::geteuid()) {
  constexpr uid_t kNobody = 65534;
  if (before_ == 0) Check(::seteuid(kNobody));
}
Nobody::~Nobody() {
  if (::geteuid() != before_) static_cast<void>(::seteuid(before_) == 0);
}

}  // namespace gatehouse::test

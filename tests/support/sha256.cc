#include "support/sha256.h"

#include <cstdio>

namespace gatehouse::test {

std::string Sha256OfFile(const std::string& path) {
  std::FILE* pipe = ::popen(("sha256sum -b -- '" + path + "' 2>/dev/null").c_str(), "r");
  if (pipe == nullptr) return {};
  char digest[65] = {};
  const size_t got = std::fread(digest, 1, 64, pipe);
  ::pclose(pipe);
  return got == 64 ? std::string(digest) : std::string();
}

}  // namespace gatehouse::test

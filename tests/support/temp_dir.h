// TempDir: an empty directory of a test's own, removed at the end of its scope.
#pragma once

#include <string>
#include <string_view>

namespace gatehouse::test {

class TempDir {
 public:
  TempDir();
  ~TempDir();
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;

  const std::string& path() const { return path_; }
  std::string operator/(std::string_view name) const { return path_ + "/" + std::string(name); }

 private:
  std::string path_;
};

void WriteBytes(const std::string& path,
                std::string_view bytes);         // makes the folder too; throws if it cannot
std::string ReadBytes(const std::string& path);  // throws if it cannot

}  // namespace gatehouse::test

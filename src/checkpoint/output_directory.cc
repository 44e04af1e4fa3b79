#include "checkpoint/output_directory.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>

#include "base/error.h"
#include "base/output_file.h"

namespace gatehouse {
namespace {

namespace fs = std::filesystem;

// Names that nobody else gives: what has one may be removed.
constexpr const char* kPart = ".gatehouse-part";
constexpr const char* kOld = ".gatehouse-old";

Error DirectoryError(const std::string& what, const std::string& path, const std::string& why) {
  return {ErrorCode::kInternal, what, path, "a place that can be written", why};
}

// "a/b/" and "." by the names that they have in the folder above them.
Result<std::string> PlaceOf(const std::string& path) {
  std::error_code code;
  fs::path place = fs::path(path).lexically_normal();
  if (!place.has_filename()) place = place.parent_path();
  if (fs::exists(place, code)) {
    place = fs::canonical(place, code);
    if (code) return DirectoryError("cannot look for directory", path, code.message());
    return place.string();
  }
  return FollowLinks(place.string());
}

bool IsIn(const fs::path& inner, const fs::path& outer) {
  return std::mismatch(outer.begin(), outer.end(), inner.begin(), inner.end()).first == outer.end();
}

Result<void> CheckInputs(const std::string& place, const std::string& path,
                         const std::vector<std::string>& inputs) {
  for (const std::string& input : inputs) {
    std::error_code code;
    const fs::path at = fs::canonical(input, code);
    if (input.empty() || code) continue;  // what is missing is an error where it is opened
    if (at == place) return UsageError("the output is the input", path, "another directory", input);
    if (IsIn(at, place)) return UsageError("the input is in the output", path, "another directory", input);
  }
  return {};
}

// Only an empty place, or what this makes, may be replaced.
Result<void> CheckPlace(const std::string& place, const std::string& path,
                        const std::vector<std::string>& names) {
  const auto refuse = [&](const std::string& found) {
    return UsageError("output exists", path, "a new or empty directory, or an earlier conversion", found);
  };
  std::error_code code;
  const fs::file_status status = fs::status(place, code);
  if (!fs::exists(status)) return {};
  if (!fs::is_directory(status)) return refuse("a file");
  // What is mounted there cannot be exchanged.
  struct stat own {
  }, above{};
  if (::stat(place.c_str(), &own) == 0 && ::stat((place + "/..").c_str(), &above) == 0 &&
      own.st_dev != above.st_dev)
    return refuse("another file system: name a directory in it");
  bool empty = true;
  fs::directory_iterator entries(place, code);
  for (; !code && entries != fs::directory_iterator(); entries.increment(code)) {
    const std::string name = entries->path().filename().string();
    if (std::find(names.begin(), names.end(), name) == names.end()) return refuse("other files: " + name);
    empty = false;
  }
  if (code) return DirectoryError("cannot read directory", path, code.message());
  if (!empty && !fs::exists(fs::path(place) / names.front(), code)) return refuse("other files");
  return {};
}

}  // namespace

Result<OutputDirectory> OutputDirectory::Create(const std::string& path,
                                                const std::vector<std::string>& names,
                                                const std::vector<std::string>& inputs) {
  if (path.empty()) return UsageError("no output directory", "output", "a path", "nothing");
  OutputDirectory out;
  GATEHOUSE_ASSIGN(out.path_, PlaceOf(path));
  GATEHOUSE_TRY(CheckInputs(out.path_, path, inputs));
  GATEHOUSE_TRY(CheckPlace(out.path_, path, names));
  out.part_ = out.path_ + kPart;
  GATEHOUSE_TRY(out.OpenPart());
  return out;
}

// What a killed process left is taken over, what another one is writing is not: the lock says which.
Result<void> OutputDirectory::OpenPart() {
  for (;;) {
    GATEHOUSE_TRY(MakeDirectories(part_));
    Descriptor lock(::open(part_.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!lock.IsOpen()) return DirectoryError("cannot open directory", part_, SystemText(errno));
    if (::flock(lock.number(), LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK)
      return DirectoryError("directory is being written", path_, "another process writes it");
    // Between open and lock the other process may have published it under its own name.
    struct stat ours {
    }, named{};
    if (::fstat(lock.number(), &ours) != 0 || ::stat(part_.c_str(), &named) != 0 ||
        ours.st_ino != named.st_ino || ours.st_dev != named.st_dev)
      continue;
    std::error_code code;
    std::vector<fs::path> left;
    for (fs::directory_iterator at(part_, code); !code && at != fs::directory_iterator(); at.increment(code))
      left.push_back(at->path());
    for (const fs::path& one : left) {
      if (!code) fs::remove_all(one, code);
    }
    if (code) return DirectoryError("cannot clear directory", part_, code.message());
    lock_ = std::move(lock);
    return {};
  }
}

OutputDirectory::~OutputDirectory() {
  std::error_code code;
  if (lock_.IsOpen()) fs::remove_all(part_, code);
}

Result<void> OutputDirectory::Publish() {
  const std::string old = path_ + kOld;
  std::error_code code;
  fs::remove_all(old, code);
  const bool replaces = fs::exists(path_, code) && !fs::is_empty(path_, code);
  if (replaces) GATEHOUSE_TRY(RenameFile(path_, old));
  Result<void> renamed = RenameFile(part_, path_);
  if (!renamed.ok()) {
    if (replaces) fs::rename(old, path_, code);
    return renamed;
  }
  lock_.Close();
  if (replaces) fs::remove_all(old, code);
  if (code) return DirectoryError("cannot remove what was replaced", old, code.message());
  return {};
}

}  // namespace gatehouse

#include "base/output_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "base/input_file.h"

namespace gatehouse {
namespace {

constexpr size_t kBuffer = size_t{256} << 10;

Error WriteError(const std::string& path, int why) {
  return {ErrorCode::kInternal, "cannot write file", path, "a place that can be written", SystemText(why)};
}

std::string FolderOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

// /dev/stdout and /dev/fd/N lead there: to a file that is open already, perhaps of another name by now.
bool IsOpenFilesName(const std::string& path) {
  return path.rfind("/dev/fd/", 0) == 0 ||
         (path.rfind("/proc/", 0) == 0 && path.find("/fd/") != std::string::npos);
}

// A name is on the disk once its directory is. Some file systems cannot do it (EINVAL), and need not.
int SyncFolder(const std::string& folder) {
  const Descriptor file(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!file.IsOpen()) return errno == EACCES ? 0 : errno;  // may be written, but not read
  return ::fsync(file.number()) != 0 && errno != EINVAL ? errno : 0;
}

}  // namespace

Result<OutputFile> OutputFile::Create(const std::string& path) {
  OutputFile out;
  out.name_ = path;
  struct stat info {};
  const bool is_there = ::stat(path.c_str(), &info) == 0;
  if (is_there && S_ISDIR(info.st_mode)) return WriteError(path, EISDIR);
  GATEHOUSE_ASSIGN(out.path_, FollowLinks(path));
  if ((is_there && !S_ISREG(info.st_mode)) || IsOpenFilesName(out.path_)) {
    // At the end, whatever the file was opened with elsewhere.
    out.file_ = Descriptor(::open(path.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC));
    if (!out.file_.IsOpen()) return WriteError(path, errno);
    return out;
  }
  GATEHOUSE_TRY(out.OpenPart(out.path_ + ".part"));
  // A file that only its owner may read stays one.
  struct stat part {};
  if (is_there && ::fstat(out.file_.number(), &part) == 0 && part.st_mode != info.st_mode &&
      ::fchmod(out.file_.number(), info.st_mode & 07777) != 0)
    return WriteError(path, errno);
  return out;
}

// What a killed process left is taken over, what another one is writing is not. The lock belongs to the file:
// the name may have gone to another one between open and lock, when somebody else committed.
Result<void> OutputFile::OpenPart(const std::string& path) {
  for (;;) {
    Descriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0666));
    if (!file.IsOpen()) return WriteError(name_, errno);
    if (::flock(file.number(), LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK)
      return Error{ErrorCode::kInternal, "file is being written", name_, "one writer at a time",
                   "another one"};
    struct stat ours {
    }, named{};
    if (::fstat(file.number(), &ours) != 0) return WriteError(name_, errno);
    if (::stat(path.c_str(), &named) != 0 || named.st_ino != ours.st_ino || named.st_dev != ours.st_dev)
      continue;
    if (::ftruncate(file.number(), 0) != 0) return WriteError(name_, errno);
    part_ = path;
    file_ = std::move(file);
    return {};
  }
}

OutputFile::~OutputFile() {
  if (file_.IsOpen() && !part_.empty()) ::unlink(part_.c_str());
}

Error OutputFile::Failed(int why) const { return WriteError(name_, why); }

Result<void> OutputFile::Flush() {
  if (const int why = WriteFully(file_.number(), buffer_)) return Failed(why);
  buffer_.clear();
  return {};
}

Result<void> OutputFile::Write(std::string_view bytes) {
  if (buffer_.size() + bytes.size() >= kBuffer) GATEHOUSE_TRY(Flush());
  if (bytes.size() < kBuffer) {
    buffer_ += bytes;
    return {};
  }
  if (const int why = WriteFully(file_.number(), bytes)) return Failed(why);
  return {};
}

Result<void> OutputFile::Commit() {
  GATEHOUSE_TRY(Flush());
  if (part_.empty()) {
    const int why = file_.Close();
    return why != 0 ? Result<void>(Failed(why)) : Result<void>();
  }
  // Renamed while it is open, and so while it is locked.
  if (::fsync(file_.number()) != 0) return Failed(errno);
  if (::rename(part_.c_str(), path_.c_str()) != 0) return Failed(errno);
  part_.clear();
  int why = file_.Close();
  if (why == 0) why = SyncFolder(FolderOf(path_));
  return why != 0 ? Result<void>(Failed(why)) : Result<void>();
}

Result<void> WriteFile(const std::string& path, std::string_view text) {
  GATEHOUSE_ASSIGN(OutputFile file, OutputFile::Create(path));
  GATEHOUSE_TRY(file.Write(text));
  return file.Commit();
}

Result<void> CopyFile(const std::string& from, const std::string& to, ErrorCode code) {
  GATEHOUSE_ASSIGN(InputFile source, InputFile::Open(from, code));
  GATEHOUSE_ASSIGN(OutputFile target, OutputFile::Create(to));
  std::string piece(kBuffer, '\0');
  for (;;) {
    GATEHOUSE_ASSIGN(const size_t count, source.Read(piece.data(), piece.size()));
    if (count == 0) return target.Commit();
    GATEHOUSE_TRY(target.Write(std::string_view(piece.data(), count)));
  }
}

Result<void> MakeDirectories(const std::string& path) {
  const auto failed = [&](int why) {
    return Error{ErrorCode::kInternal, "cannot make directory", path, "a place that can be written",
                 SystemText(why)};
  };
  for (size_t end = 0; end != std::string::npos;) {
    end = path.find('/', end + 1);
    const std::string part = path.substr(0, end);
    if (::mkdir(part.c_str(), 0777) == 0 || errno == EEXIST) continue;
    const int why = errno;
    struct stat info {};
    // A file system that is read only says so of what is there, too.
    if (::stat(part.c_str(), &info) != 0 || !S_ISDIR(info.st_mode)) return failed(why);
  }
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return failed(errno);
  if (!S_ISDIR(info.st_mode)) return failed(ENOTDIR);
  return {};
}

Result<void> RenameFile(const std::string& from, const std::string& to) {
  if (::rename(from.c_str(), to.c_str()) != 0)
    return Error{ErrorCode::kInternal, "cannot rename " + from, to, "a place that can be written",
                 SystemText(errno)};
  const int why = SyncFolder(FolderOf(to));
  return why != 0 ? Result<void>(WriteError(to, why)) : Result<void>();
}

Result<std::string> FollowLinks(const std::string& path) {
  constexpr int kMostLinks = 40;  // as the system
  std::string at = path;
  for (int link = 0; link < kMostLinks; ++link) {
    if (IsOpenFilesName(at)) return at;
    std::string target(4096, '\0');
    const ssize_t size = ::readlink(at.c_str(), target.data(), target.size());
    if (size < 0 && errno != EINVAL && errno != ENOENT) return WriteError(path, errno);
    if (size < 0) return at;
    target.resize(static_cast<size_t>(size));
    at = target.front() == '/' ? target : FolderOf(at) + "/" + target;
  }
  return WriteError(path, ELOOP);
}

}  // namespace gatehouse

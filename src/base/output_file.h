// OutputFile: a file that is whole or not there. It is written beside its place as PATH.part, and Commit()
// brings the bytes to the disk and gives it its name; one that is dropped before leaves nothing behind, and
// what was there stays.
//
//   GATEHOUSE_ASSIGN(OutputFile file, OutputFile::Create("report.json"));
//   GATEHOUSE_TRY(file.Write(text));
//   GATEHOUSE_TRY(file.Commit());
//
//   GATEHOUSE_TRY(WriteFile("report.json", text));  // the same
//
// A symbolic link is kept, and the file that it leads to is written. What is no file (a pipe, /dev/stdout,
// /dev/null) is written as it is. Every error is kInternal, names the path and holds the system's words; a
// full disk, a limit on sizes and a reader that has gone are such errors and end no process.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "base/descriptor.h"
#include "gatehouse/result.h"

namespace gatehouse {

class OutputFile {
 public:
  // Errors: also where another OutputFile, of this process or another, has the same path open.
  static Result<OutputFile> Create(const std::string& path);
  OutputFile(OutputFile&& other) noexcept = default;
  OutputFile& operator=(OutputFile&& other) = delete;
  ~OutputFile();

  Result<void> Write(std::string_view bytes);
  Result<void> Write(std::span<const std::byte> bytes) {
    return Write(std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
  }
  // Nothing may be written after it.
  Result<void> Commit();

 private:
  OutputFile() = default;
  Result<void> OpenPart(const std::string& path);
  Result<void> Flush();
  Error Failed(int why) const;

  std::string name_;  // as the caller gave it, for messages
  std::string path_;  // where links lead
  std::string part_;  // empty: written in place
  Descriptor file_;
  std::string buffer_;
};

Result<void> WriteFile(const std::string& path, std::string_view text);

// A copy of the file's bytes; the copy is whole or not there. Errors: `code` where `from` cannot be read,
// kInternal where `to` cannot be written.
Result<void> CopyFile(const std::string& from, const std::string& to, ErrorCode code);

// The directory and those above it that are missing. It may be there already; something else may not.
Result<void> MakeDirectories(const std::string& path);

// Renames, and brings the change of the directory to the disk.
Result<void> RenameFile(const std::string& from, const std::string& to);

// Where a path leads in the end: each link of its last component is followed, a target that is missing
// included. Errors: kInternal: links that go in circles or cannot be read.
Result<std::string> FollowLinks(const std::string& path);

}  // namespace gatehouse

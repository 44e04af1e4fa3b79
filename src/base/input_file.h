// InputFile: a file, a pipe or standard input read piece by piece, every read checked. ReadFile: all of one.
//
//   GATEHOUSE_ASSIGN(const std::string text, ReadFile("chat.json", 16u << 20));
//   GATEHOUSE_ASSIGN(const std::string config, ReadFile(path, 4u << 20, ErrorCode::kModel));
//
// Errors carry the system's own words ("Is a directory") and the code of the caller: kBadInput for what is to
// be judged, kModel for a part of a model.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "base/descriptor.h"
#include "gatehouse/result.h"

namespace gatehouse {

class InputFile {
 public:
  // A directory is an error here already, not at the first read.
  static Result<InputFile> Open(const std::string& path, ErrorCode code = ErrorCode::kBadInput);
  static InputFile StandardInput();

  // Writes at most size bytes to out and says how many; 0 at the end.
  Result<size_t> Read(char* out, size_t size);
  // Whether a read would wait for somebody to write: of a pipe or a terminal.
  bool WouldWait() const;
  // What is left. Errors: also more than max_bytes of it.
  Result<std::string> ReadAll(size_t max_bytes);

  const std::string& name() const { return name_; }  // the path, or "standard input"

 private:
  InputFile(Descriptor file, std::string name, ErrorCode code)
      : file_(std::move(file)), name_(std::move(name)), code_(code) {}
  Descriptor file_;
  std::string name_;
  ErrorCode code_;
};

// Errors: missing, unreadable, a directory, larger than max_bytes.
Result<std::string> ReadFile(const std::string& path, size_t max_bytes,
                             ErrorCode code = ErrorCode::kBadInput);

// Whether there is something of that name, a link that leads nowhere included: so that what is there but
// cannot be read is an error where it is read, and never taken for absent. Errors: the system does not say (a
// folder that may not be searched).
Result<bool> IsThere(const std::string& path, ErrorCode code = ErrorCode::kBadInput);

// A file that may be missing: nothing where it is.
Result<std::optional<std::string>> ReadFileIfThere(const std::string& path, size_t max_bytes,
                                                   ErrorCode code = ErrorCode::kBadInput);

// Whether both paths lead to one file or directory. False where either leads nowhere.
bool IsSameFile(const std::string& a, const std::string& b);

}  // namespace gatehouse

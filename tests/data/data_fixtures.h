// Data files for tests, and everything that a reader says of them.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "data/dataset.h"

namespace gatehouse {

// A folder of its own, removed with what is in it.
class TempFolder {
 public:
  TempFolder();
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;
  ~TempFolder();
  // Writes a file, making folders on the way, and gives its path.
  std::string Write(const std::string& name, const std::string& bytes) const;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

std::string Gzip(const std::string& bytes);

struct ReadResult {
  std::vector<EvalRow> rows;
  std::vector<RowProblem> problems;
  std::optional<Error> error;  // of Open or of Next
  bool opened = false;
};
ReadResult ReadData(std::vector<DatasetReader::Input> inputs);
ReadResult ReadData(const std::string& path, DatasetFormat format);

// One file of this name and content.
ReadResult ReadText(const std::string& name, const std::string& bytes, DatasetFormat format);

// The value of a field; "(none)" where the row has none.
std::string Field(const EvalRow& row, const std::string& name);
// "user: hi | assistant: hello [image 3]": roles, texts and sizes of images.
std::string Shown(const Conversation& conversation);

}  // namespace gatehouse

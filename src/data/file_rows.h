// FileRows: the rows of one data file.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>

#include "data/byte_source.h"
#include "data/dataset.h"
#include "data/record_reader.h"
#include "data/row_shape.h"
#include "gatehouse/result.h"

namespace gatehouse {

class FileRows {
 public:
  // bytes: what the file holds, packed or not. path: for its name, its folder and messages.
  // Errors: kBadInput for a format that is unknown, cannot be told, or does not fit the file.
  static Result<std::unique_ptr<FileRows>> Open(std::unique_ptr<ByteSource> bytes, const std::string& path,
                                                DatasetFormat format);

  // The name of rows that say none.
  const std::string& source() const { return format_.source; }

  // The next row or problem; nothing at the end. number: records so far under this source, for ids.
  Result<std::optional<std::variant<EvalRow, RowProblem>>> Next(int64_t* number);

 private:
  FileRows() = default;
  Result<void> Start(LineReader lines);
  Result<void> OpenShape();

  std::string path_;
  DatasetFormat format_;
  std::unique_ptr<RecordReader> records_;
  std::unique_ptr<RowShape> shape_;
  Record record_;
  bool pending_ = false;  // record_ was read to tell the format, and is still to be given
};

}  // namespace gatehouse

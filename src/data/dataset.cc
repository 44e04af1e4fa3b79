#include "data/dataset.h"

#include <sys/stat.h>

#include <exception>
#include <map>

#include "base/error.h"
#include "data/byte_source.h"
#include "data/file_rows.h"

namespace gatehouse {
namespace {

using Item = std::optional<std::variant<EvalRow, RowProblem>>;

Result<std::unique_ptr<FileRows>> OpenRows(const DatasetReader::Input& input) {
  GATEHOUSE_ASSIGN(std::unique_ptr<ByteSource> bytes, OpenFileSource(input.Place()));
  return FileRows::Open(std::move(bytes), input.path, input.format);
}

bool CanBeOpenedAgain(const std::string& path) {
  struct stat status = {};
  return stat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode);
}

class Reader : public DatasetReader {
 public:
  explicit Reader(std::vector<Input> inputs) : inputs_(std::move(inputs)), rows_(inputs_.size()) {}

  // Every file is looked at before the first row is given: a wrong name found after an hour of judging is
  // dear.
  Result<void> Check() {
    for (size_t i = 0; i < inputs_.size(); ++i) {
      GATEHOUSE_ASSIGN(rows_[i], OpenRows(inputs_[i]));
      // Only one file is kept open, but what has been read of a pipe cannot be read again.
      if (i > 0 && CanBeOpenedAgain(inputs_[i].Place())) rows_[i].reset();
    }
    return {};
  }

  Result<Item> Next() override {
    if (failed_) return *failed_;
    try {
      Result<Item> item = NextItem();
      if (!item.ok()) failed_ = item.error();
      return item;
    } catch (const std::exception& e) {
      failed_ = InternalError(std::string("reading failed: ") + e.what(),
                              at_ < inputs_.size() ? inputs_[at_].path : std::string());
      return *failed_;
    }
  }

 private:
  Result<Item> NextItem() {
    for (; at_ < inputs_.size(); ++at_) {
      std::unique_ptr<FileRows>& rows = rows_[at_];
      if (rows == nullptr) {
        GATEHOUSE_ASSIGN(rows, OpenRows(inputs_[at_]));
      }
      GATEHOUSE_ASSIGN(Item item, rows->Next(&numbers_[rows->source()]));
      if (item.has_value()) return item;
      rows.reset();
    }
    return Item();
  }

  std::vector<Input> inputs_;
  std::vector<std::unique_ptr<FileRows>> rows_;
  size_t at_ = 0;
  std::map<std::string, int64_t>
      numbers_;  // records so far of each source, so that two files never share an id
  std::optional<Error> failed_;
};

}  // namespace

Result<std::unique_ptr<DatasetReader>> DatasetReader::Open(std::vector<Input> inputs) {
  try {
    auto reader = std::make_unique<Reader>(std::move(inputs));
    GATEHOUSE_TRY(reader->Check());
    return std::unique_ptr<DatasetReader>(std::move(reader));
  } catch (const std::exception& e) {
    return InternalError(std::string("data could not be opened: ") + e.what());
  }
}

}  // namespace gatehouse

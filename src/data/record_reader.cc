#include "data/record_reader.h"

#include <optional>
#include <set>
#include <utility>

#include "base/error.h"
#include "data/clean_text.h"
#include "data/csv_dialect.h"
#include "data/csv_reader.h"
#include "text/utf8.h"

namespace gatehouse {
namespace {

class JsonlReader : public RecordReader {
 public:
  explicit JsonlReader(LineReader lines) : lines_(std::move(lines)) {}

  Result<bool> Next(Record* record) override {
    do {
      GATEHOUSE_ASSIGN(const LineReader::Status status, lines_.Next(&line_));
      if (status == LineReader::Status::kEnd) return false;
      record->line = line_.number;
      if (status == LineReader::Status::kTooLong) {
        record->Fail("record longer than " + std::to_string(kMaxRecordBytes >> 20) + " MiB");
        return true;
      }
      // Empty lines are how editors end files, and no rows.
    } while (line_.text.find_first_not_of(" \t\r") == std::string::npos);
    record->Parse(line_.text);
    return true;
  }

 private:
  LineReader lines_;
  Line line_;
};

class CsvRecords : public RecordReader {
 public:
  explicit CsvRecords(CsvReader reader) : reader_(std::move(reader)) {}

  Result<void> ReadHeader(const std::string& name) {
    GATEHOUSE_ASSIGN(const bool any, reader_.Next(&csv_));
    if (!any) return BadInput("no header", name, "a line with the names of the columns", "an empty file");
    if (!csv_.problem.empty())
      return BadInput("malformed header", name, "the names of the columns", csv_.problem);
    columns_ = csv_.fields;
    reader_.Expect(columns_.size());
    std::set<std::string> seen;
    for (const std::string& column : columns_) {
      // Columns without a name are common (an index) and cannot be asked for.
      if (!column.empty() && !seen.insert(column).second)
        return BadInput("malformed header", name, "each column once",
                        "\"" + CleanText(column, 60) + "\" twice");
    }
    return {};
  }

  Result<bool> Next(Record* record) override {
    GATEHOUSE_ASSIGN(const bool any, reader_.Next(&csv_));
    if (!any) return false;
    record->line = csv_.line;
    record->problem = csv_.problem;
    record->text.clear();
    record->value = Json::object();
    if (!record->problem.empty()) return true;
    // Fields beside their columns would be judged under another label.
    if (csv_.fields.size() != columns_.size()) {
      record->problem = "expected " + std::to_string(columns_.size()) + " fields as in the header, found " +
                        std::to_string(csv_.fields.size());
      return true;
    }
    for (size_t i = 0; i < columns_.size(); ++i) {
      if (!columns_[i].empty()) record->value[columns_[i]] = std::move(csv_.fields[i]);
    }
    return true;
  }

  const std::vector<std::string>* columns() const override { return &columns_; }

 private:
  CsvReader reader_;
  CsvRecord csv_;
  std::vector<std::string> columns_;
};

}  // namespace

void Record::Fail(std::string what) {
  value = nullptr;
  text.clear();
  problem = std::move(what);
}

void Record::Parse(std::string_view json) {
  // Here, because the byte says more than what the parser would.
  const size_t valid = ValidUtf8Prefix(json);
  if (valid < json.size())
    return Fail("invalid UTF-8 at byte " + std::to_string(valid + 1) + " of the record");
  auto parsed = ParseJson(json, "", ErrorCode::kBadInput);
  if (!parsed.ok()) {
    Fail(parsed.error().Message());
    // A key that stands twice or too many levels: still JSON, with an id.
    if (Json::accept(json)) text = json;
    return;
  }
  if (!parsed->is_object()) return Fail("expected a JSON object, found " + ShortJson(*parsed));
  problem.clear();
  text = json;
  value = std::move(parsed).value();
}

std::unique_ptr<RecordReader> MakeJsonlReader(LineReader lines) {
  return std::make_unique<JsonlReader>(std::move(lines));
}

Result<std::unique_ptr<RecordReader>> MakeCsvReader(LineReader lines, const std::string& name) {
  Line line;
  LineReader::Status status;
  std::optional<char> separator;
  do {
    GATEHOUSE_ASSIGN(status, lines.Next(&line));
    if (status == LineReader::Status::kLine && !separator) {
      separator = SeparatorLine(line.text);
      if (separator) line.text.clear();
    }
  } while (status == LineReader::Status::kLine && line.text.empty());
  // The separator is guessed from the header alone, where no text of users stands; a line "sep=;", as Excel
  // writes it, says it.
  CsvReader csv(std::move(lines), separator.value_or(SeparatorOfHeader(line.text, name)));
  csv.PutBack(line, status);
  auto reader = std::make_unique<CsvRecords>(std::move(csv));
  GATEHOUSE_TRY(reader->ReadHeader(name));
  return std::unique_ptr<RecordReader>(std::move(reader));
}

}  // namespace gatehouse

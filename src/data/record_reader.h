// RecordReader: the records of a JSONL, JSON or CSV file as JSON objects, so that what follows need not know
// which.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "data/line_reader.h"
#include "formats/json.h"
#include "gatehouse/result.h"

namespace gatehouse {

struct Record {
  int64_t line = 0;
  Json value;           // an object; of CSV: column to string
  std::string problem;  // not empty: there is no value
  std::string text;     // of JSON that is well-formed: as it stands in the file; else empty

  // Takes the value of one object's text, or says what is wrong with it.
  void Parse(std::string_view json);
  void Fail(std::string what);
};

class RecordReader {
 public:
  virtual ~RecordReader() = default;
  virtual Result<bool> Next(Record* record) = 0;  // false at the end
  // The header's names; null: records name their fields themselves.
  virtual const std::vector<std::string>* columns() const { return nullptr; }
};

std::unique_ptr<RecordReader> MakeJsonlReader(LineReader lines);

// One list whose elements are records. Errors of Next: kBadInput: a list that does not end, or text behind
// it.
std::unique_ptr<RecordReader> MakeJsonListReader(LineReader bytes, const std::string& name);

// Reads the header, by which the separator is known too. name: the file. Errors: kBadInput for a header that
// is missing or malformed or names a column twice.
Result<std::unique_ptr<RecordReader>> MakeCsvReader(LineReader lines, const std::string& name);

}  // namespace gatehouse

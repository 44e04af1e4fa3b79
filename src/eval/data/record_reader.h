// RecordReader: the records of a JSONL or CSV file as JSON objects, so that what follows need not know which.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "eval/data/line_reader.h"
#include "gatehouse/result.h"
#include "policy/strict_json.h"

namespace gatehouse {

struct Record {
  int64_t line = 0;
  OrderedJson value;    // an object; of CSV: column to string
  std::string problem;  // not empty: there is no value
};

class RecordReader {
 public:
  virtual ~RecordReader() = default;
  virtual Result<bool> Next(Record* record) = 0;  // false at the end
  // The header's names; null: records name their fields themselves.
  virtual const std::vector<std::string>* columns() const { return nullptr; }
};

std::unique_ptr<RecordReader> MakeJsonlReader(LineReader lines);

// Reads the header. Errors: kBadInput for a header that is missing or malformed or names a column twice.
Result<std::unique_ptr<RecordReader>> MakeCsvReader(LineReader lines, char separator,
                                                    const std::string& name);

}  // namespace gatehouse

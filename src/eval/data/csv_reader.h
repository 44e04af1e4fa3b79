// CsvReader: records of RFC 4180, read strictly; a malformed record costs itself, not the file.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "eval/data/line_reader.h"
#include "gatehouse/result.h"

namespace gatehouse {

struct CsvRecord {
  int64_t line = 0;  // where it begins
  std::vector<std::string> fields;
  std::string problem;  // not empty: what is wrong with it; reading goes on with the next line
};

class CsvReader {
 public:
  CsvReader(LineReader lines, char separator, size_t max_bytes = kMaxRecordBytes)
      : lines_(std::move(lines)), separator_(separator), max_bytes_(max_bytes) {}

  // False at the end. Empty lines between records are skipped.
  Result<bool> Next(CsvRecord* record);

 private:
  enum class State { kFieldStart, kPlain, kQuoted, kQuoteInQuoted };
  // Takes one line into the record. False: the record is bad.
  bool Feed(const std::string& text, CsvRecord* record);

  LineReader lines_;
  char separator_;
  size_t max_bytes_;
  State state_ = State::kFieldStart;
};

}  // namespace gatehouse

// CsvReader: records of RFC 4180, read strictly; a malformed record costs itself, not the file. With tabs
// between the fields a quote is often no more than a character: where a field does not end as a quoted one
// does, or its lines are rows of their own, its quotes are text.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "data/line_reader.h"
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

  // Fields of a record as the header says; tells rows from lines of one field. 0: not known.
  void Expect(size_t fields) { expected_ = fields; }
  // A line that was read to look at is given again, before all others.
  void PutBack(const Line& line, LineReader::Status status);

 private:
  enum class State { kFieldStart, kPlain, kQuoted, kQuoteInQuoted };
  struct Replay {  // lines that were taken for a field's and were others
    std::string text;
    size_t at = 0;
    int64_t number = 0;     // of the line at `at`
    bool too_long = false;  // one more line behind the text, of which only that is known
    bool any() const { return at < text.size() || too_long; }
  };

  bool tabs() const { return separator_ == '\t'; }
  Result<LineReader::Status> NextLine(Line* line);
  // Takes one line into the record. False: the record is bad.
  bool Feed(const std::string& text, CsvRecord* record);
  // Lines of an open quote, until it closes. False: it does not, and `taken` are lines of others.
  Result<bool> FeedMore(CsvRecord* record, size_t bytes, Replay* taken);
  void Split(const std::string& text, CsvRecord* record) const;
  bool IsRow(std::string_view line) const;
  bool AreRows(const std::string& first, const Replay& taken) const;
  void GiveBack(Replay taken);

  LineReader lines_;
  char separator_;
  size_t max_bytes_;
  size_t expected_ = 0;
  State state_ = State::kFieldStart;
  std::string bad_utf8_;  // of the record that is being read
  Replay replay_;
  size_t read_again_ = 0;  // bytes that quotes without an end made us read twice
};

}  // namespace gatehouse

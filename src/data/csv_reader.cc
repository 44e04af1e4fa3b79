#include "data/csv_reader.h"

#include <algorithm>
#include <utility>

#include "text/utf8.h"

namespace gatehouse {
namespace {

// A line of separators alone would else take 32 bytes a byte.
constexpr size_t kMaxFields = 1024;
// A file full of quotes without an end would else be read once for each.
constexpr size_t kMostReadAgain = size_t{256} << 20;

constexpr const char* kNotClosed = "a quoted field that is not closed";

std::string TooLong(size_t max_bytes) {
  return "record longer than " + std::to_string(max_bytes >> 20) + " MiB";
}

}  // namespace

bool CsvReader::Feed(const std::string& text, CsvRecord* record) {
  std::vector<std::string>& fields = record->fields;
  for (const char c : text) {
    switch (state_) {
      case State::kFieldStart:
      case State::kPlain:
        if (c == separator_) {
          if (fields.size() == kMaxFields) {
            record->problem = "more than " + std::to_string(kMaxFields) + " fields";
            return false;
          }
          fields.emplace_back();
          state_ = State::kFieldStart;
          // Between tabs a quote within a field is a quote (he said "no"); between commas nobody can say what
          // was meant.
        } else if (c != '"' || (state_ == State::kPlain && tabs())) {
          fields.back() += c;
          state_ = State::kPlain;
        } else if (state_ == State::kFieldStart) {
          state_ = State::kQuoted;
        } else {
          record->problem = "a quote inside a field that does not begin with one";
          return false;
        }
        break;
      case State::kQuoted:
        if (c == '"') {
          state_ = State::kQuoteInQuoted;
        } else {
          fields.back() += c;
        }
        break;
      case State::kQuoteInQuoted:
        if (c == '"') {
          fields.back() += c;
          state_ = State::kQuoted;
        } else if (c == separator_ && fields.size() < kMaxFields) {
          fields.emplace_back();
          state_ = State::kFieldStart;
        } else {
          record->problem = "text behind the quote that closes a field";
          return false;
        }
        break;
    }
  }
  return true;
}

Result<LineReader::Status> CsvReader::NextLine(Line* line) {
  // Lines that were taken for the rest of a quoted field are given again, with their numbers.
  if (!replay_.any()) return lines_.Next(line);
  line->number = replay_.number++;
  line->ending = "";
  if (replay_.at == replay_.text.size()) {
    replay_ = {};
    line->text.clear();
    return LineReader::Status::kTooLong;
  }
  const size_t newline = std::min(replay_.text.find('\n', replay_.at), replay_.text.size());
  line->text = replay_.text.substr(replay_.at, newline - replay_.at);
  replay_.at = std::min(newline + 1, replay_.text.size());
  if (newline < replay_.text.size()) {
    line->ending = "\n";
    if (line->text.ends_with('\r')) {
      line->text.pop_back();
      line->ending = "\r\n";
    }
  }
  return LineReader::Status::kLine;
}

void CsvReader::PutBack(const Line& line, LineReader::Status status) {
  if (status == LineReader::Status::kEnd) return;
  Replay one;
  one.number = line.number;
  one.too_long = status == LineReader::Status::kTooLong;
  if (!one.too_long) one.text = line.text + std::string(line.ending);
  GiveBack(std::move(one));
}

// In front of what is to be given again already.
void CsvReader::GiveBack(Replay taken) {
  if (!taken.any()) return;
  if (replay_.any()) {
    taken.text.append(replay_.text, replay_.at);
    taken.too_long = replay_.too_long;
  }
  replay_ = std::move(taken);
}

Result<bool> CsvReader::FeedMore(CsvRecord* record, size_t bytes, Replay* taken) {
  Line line;
  while (state_ == State::kQuoted) {
    GATEHOUSE_ASSIGN(const LineReader::Status status, NextLine(&line));
    if (taken->number == 0) taken->number = line.number;
    if (status == LineReader::Status::kEnd) {
      record->problem = kNotClosed;
      return false;
    }
    taken->too_long = status == LineReader::Status::kTooLong;
    if (!taken->too_long) taken->text.append(line.text).append(line.ending);
    if (taken->too_long || bytes + line.text.size() > max_bytes_) {
      record->problem = TooLong(max_bytes_);
      return false;
    }
    const size_t valid = ValidUtf8Prefix(line.text);
    if (valid < line.text.size() && bad_utf8_.empty())
      bad_utf8_ = "invalid UTF-8 at byte " + std::to_string(bytes + valid + 1) + " of the record";
    bytes += line.text.size() + line.ending.size();
    // The quote closed and something is wrong behind it: `problem` says what.
    if (!Feed(line.text, record)) return true;
    // A line end within quotes is part of the field, as it stands in the file.
    if (state_ == State::kQuoted) record->fields.back() += line.ending;
  }
  return true;
}

// Fields by the separators alone.
void CsvReader::Split(const std::string& text, CsvRecord* record) const {
  record->fields.clear();
  record->problem.clear();
  for (size_t begin = 0; begin <= text.size();) {
    const size_t end = std::min(text.find(separator_, begin), text.size());
    if (record->fields.size() == kMaxFields) {
      record->problem = "more than " + std::to_string(kMaxFields) + " fields";
      return;
    }
    record->fields.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
}

bool CsvReader::IsRow(std::string_view line) const {
  return static_cast<size_t>(std::count(line.begin(), line.end(), separator_)) + 1 == expected_;
}

bool CsvReader::AreRows(const std::string& first, const Replay& taken) const {
  if (expected_ == 0 || !IsRow(first)) return false;
  for (size_t begin = 0; begin < taken.text.size();) {
    const size_t end = std::min(taken.text.find('\n', begin), taken.text.size());
    if (!IsRow(std::string_view(taken.text).substr(begin, end - begin))) return false;
    begin = end + 1;
  }
  return true;
}

Result<bool> CsvReader::Next(CsvRecord* record) {
  Line line;
  LineReader::Status status;
  do {
    GATEHOUSE_ASSIGN(status, NextLine(&line));
  } while (status == LineReader::Status::kLine && line.text.empty());
  if (status == LineReader::Status::kEnd) return false;
  record->line = line.number;
  record->fields.assign(1, {});
  record->problem.clear();
  if (status == LineReader::Status::kTooLong || line.text.size() > max_bytes_) {
    record->problem = TooLong(max_bytes_);
    return true;
  }
  state_ = State::kFieldStart;
  const size_t valid = ValidUtf8Prefix(line.text);
  bad_utf8_ = valid == line.text.size()
                  ? ""
                  : "invalid UTF-8 at byte " + std::to_string(valid + 1) + " of the record";
  if (!Feed(line.text, record)) {
    // Most files with tabs know no quotes: what is no quoted field is read by its tabs alone.
    if (tabs()) Split(line.text, record);
  } else if (state_ == State::kQuoted) {
    record->fields.back() += line.ending;
    Replay taken;
    const size_t bytes = line.text.size() + line.ending.size();
    GATEHOUSE_ASSIGN(const bool closed, FeedMore(record, bytes, &taken));
    const bool wrong = !closed || !record->problem.empty();
    // With tabs, a field that begins with a quote may mean just that. If each line that it swallowed has as
    // many fields as the header, they were rows.
    const bool literal = tabs() && (wrong || AreRows(line.text, taken));
    // One quote without an end costs its own line, not the rest of the file.
    if ((wrong || literal) && read_again_ < kMostReadAgain) {
      read_again_ += taken.text.size();
      GiveBack(std::move(taken));
      bad_utf8_ = valid == line.text.size() ? "" : bad_utf8_;
      if (literal) Split(line.text, record);
    }
  }
  // Said last, because only the end of the record shows that its quotes are sound.
  if (!bad_utf8_.empty() && record->problem.empty()) record->problem = bad_utf8_;
  return true;
}

}  // namespace gatehouse

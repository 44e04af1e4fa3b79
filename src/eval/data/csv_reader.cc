#include "eval/data/csv_reader.h"

#include "text/utf8.h"

namespace gatehouse {
namespace {

// A line of separators alone would else take 32 bytes a byte.
constexpr size_t kMaxFields = 1024;

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
        } else if (c != '"') {
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

Result<bool> CsvReader::Next(CsvRecord* record) {
  const std::string too_long = "record longer than " + std::to_string(max_bytes_ >> 20) + " MiB";
  Line line;
  LineReader::Status status;
  do {
    GATEHOUSE_ASSIGN(status, lines_.Next(&line));
  } while (status == LineReader::Status::kLine && line.text.empty());
  if (status == LineReader::Status::kEnd) return false;
  record->line = line.number;
  record->fields.assign(1, {});
  record->problem.clear();
  state_ = State::kFieldStart;
  std::string bad_utf8;
  for (size_t bytes = 0;;) {
    if (status == LineReader::Status::kEnd) {
      record->problem = "a quoted field that is not closed";
      return true;
    }
    if (status == LineReader::Status::kTooLong || bytes + line.text.size() > max_bytes_) {
      record->problem = too_long;
      return true;
    }
    const size_t valid = ValidUtf8Prefix(line.text);
    if (valid < line.text.size() && bad_utf8.empty())
      bad_utf8 = "invalid UTF-8 at byte " + std::to_string(bytes + valid + 1) + " of the record";
    bytes += line.text.size() + line.ending.size();
    if (!Feed(line.text, record)) break;
    if (state_ != State::kQuoted) break;
    record->fields.back() += line.ending;
    GATEHOUSE_ASSIGN(status, lines_.Next(&line));
  }
  // Said last, because only the end of the record shows that its quotes are sound.
  if (!bad_utf8.empty()) record->problem = bad_utf8;
  return true;
}

}  // namespace gatehouse

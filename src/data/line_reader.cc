#include "data/line_reader.h"

#include <algorithm>
#include <cstring>

namespace gatehouse {

Result<void> LineReader::Fill() {
  if (begin_ == end_) begin_ = end_ = 0;
  GATEHOUSE_ASSIGN(const size_t count, source_->Read(buffer_.data() + end_, buffer_.size() - end_));
  end_ += count;
  ended_ = count == 0;
  if (began_) return {};
  // The mark has three bytes, and a pipe may give them one by one.
  while (end_ < 3 && !ended_) {
    GATEHOUSE_ASSIGN(const size_t more, source_->Read(buffer_.data() + end_, buffer_.size() - end_));
    end_ += more;
    ended_ = more == 0;
  }
  began_ = true;
  if (end_ >= 3 && std::memcmp(buffer_.data(), "\xEF\xBB\xBF", 3) == 0) begin_ = 3;
  return {};
}

Result<char> LineReader::Peek() {
  if (begin_ == end_ && !ended_) GATEHOUSE_TRY(Fill());
  for (size_t i = begin_; i < end_; ++i) {
    if (std::strchr(" \t\r\n", buffer_[i]) == nullptr) return buffer_[i];
  }
  return '\0';
}

Result<int> LineReader::NextByte() {
  while (begin_ == end_) {
    if (ended_) return -1;
    GATEHOUSE_TRY(Fill());
  }
  const char byte = buffer_[begin_++];
  number_ += line_begins_ ? 1 : 0;
  line_begins_ = byte == '\n';
  return static_cast<int>(static_cast<unsigned char>(byte));
}

Result<LineReader::Status> LineReader::Next(Line* line) {
  line->text.clear();
  line->ending = "";
  line->number = ++number_;
  bool any = false, too_long = false;
  for (;;) {
    if (begin_ == end_ && !ended_) GATEHOUSE_TRY(Fill());
    if (begin_ == end_) {
      if (!ended_) continue;  // there was nothing but the mark yet
      if (!any) return Status::kEnd;
      return too_long || line->text.size() > max_bytes_ ? Status::kTooLong : Status::kLine;
    }
    any = true;
    const char* from = buffer_.data() + begin_;
    const auto* newline = static_cast<const char*>(std::memchr(from, '\n', end_ - begin_));
    const size_t count = newline != nullptr ? static_cast<size_t>(newline - from) : end_ - begin_;
    // One byte more than allowed: a carriage return before the newline does not count.
    const size_t room = max_bytes_ + 1 - line->text.size();
    line->text.append(from, std::min(count, room));
    too_long = too_long || count > room;
    begin_ += count + (newline != nullptr ? 1 : 0);
    if (newline == nullptr) continue;
    line->ending = "\n";
    if (!too_long && !line->text.empty() && line->text.back() == '\r') {
      line->text.pop_back();
      line->ending = "\r\n";
    }
    return too_long || line->text.size() > max_bytes_ ? Status::kTooLong : Status::kLine;
  }
}

}  // namespace gatehouse

// LineReader: lines of bounded length from bytes of any length.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "data/byte_source.h"
#include "gatehouse/result.h"

namespace gatehouse {

// A row may hold its images: two of the largest that are decoded, as data URLs.
inline constexpr size_t kMaxRecordBytes = size_t{64} << 20;

struct Line {
  std::string text;         // without its ending
  std::string_view ending;  // "\n", "\r\n", or "" for a last line that has none
  int64_t number = 0;       // from 1
};

class LineReader {
 public:
  enum class Status {
    kLine,
    kTooLong,  // text is cut; the rest of the line was skipped
    kEnd,
  };

  explicit LineReader(std::unique_ptr<ByteSource> source, size_t max_bytes = kMaxRecordBytes)
      : source_(std::move(source)), max_bytes_(max_bytes), buffer_(size_t{64} << 10) {}

  // A byte order mark at the beginning of the file is left out.
  Result<Status> Next(Line* line);

  // For text that is not read by lines: the next byte, or -1 at the end. line() is the line that it stands
  // in.
  Result<int> NextByte();
  int64_t line() const { return number_; }

  // The first byte that is not white space among those at hand, without taking it; '\0' where there is none.
  // For the beginning of a file.
  Result<char> Peek();

 private:
  Result<void> Fill();

  std::unique_ptr<ByteSource> source_;
  size_t max_bytes_;
  std::vector<char> buffer_;
  size_t begin_ = 0, end_ = 0;
  bool began_ = false, ended_ = false;
  int64_t number_ = 0;
  bool line_begins_ = true;  // the next byte is the first of its line
};

}  // namespace gatehouse

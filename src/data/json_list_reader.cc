// The records of a file that is one JSON list, an element at a time.
#include <utility>

#include "base/error.h"
#include "data/record_reader.h"

namespace gatehouse {
namespace {

bool IsSpace(int byte) { return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n'; }

class JsonListReader : public RecordReader {
 public:
  JsonListReader(LineReader bytes, std::string name) : bytes_(std::move(bytes)), name_(std::move(name)) {}

  Result<bool> Next(Record* record) override {
    if (ended_) return false;
    int byte = 0;
    do {
      GATEHOUSE_ASSIGN(byte, bytes_.NextByte());
    } while (IsSpace(byte) || (byte == '[' && !std::exchange(began_, true)));
    // Only an empty list ends here: behind an element its bracket is taken with it.
    if (byte == ']' && !any_) return Finish();
    any_ = true;
    record->line = bytes_.line();
    GATEHOUSE_ASSIGN(const bool whole, TakeElement(byte));
    if (!whole) {
      record->Fail("record longer than " + std::to_string(kMaxRecordBytes >> 20) + " MiB");
      return true;
    }
    record->Parse(text_);
    return true;
  }

 private:
  // The text of an element whose first byte is given, up to the comma or bracket behind it. False: too long.
  Result<bool> TakeElement(int byte) {
    text_.clear();
    size_t depth = 0, size = 0;
    bool in_string = false, escaped = false;
    for (;; ++size) {
      if (byte < 0) return BadInput("JSON list ends early", name_, "] at its end", "the end of the file");
      if (in_string) {
        in_string = escaped || byte != '"';
        escaped = !escaped && byte == '\\';
      } else if (depth == 0 && (byte == ',' || byte == ']')) {
        break;
      } else {
        in_string = byte == '"';
        if (byte == '{' || byte == '[') ++depth;
        if ((byte == '}' || byte == ']') && depth > 0) --depth;
      }
      if (size < kMaxRecordBytes) text_ += static_cast<char>(byte);
      GATEHOUSE_ASSIGN(byte, bytes_.NextByte());
    }
    if (byte == ']') GATEHOUSE_TRY(Finish());
    while (!text_.empty() && IsSpace(text_.back())) text_.pop_back();
    return size <= kMaxRecordBytes;
  }

  // Nothing may stand behind the list: it would be read by nobody.
  Result<bool> Finish() {
    ended_ = true;
    int byte = 0;
    do {
      GATEHOUSE_ASSIGN(byte, bytes_.NextByte());
    } while (IsSpace(byte));
    if (byte >= 0) {
      return BadInput("text behind a JSON list", name_ + " line " + std::to_string(bytes_.line()),
                      "the end of the file", "more");
    }
    return false;
  }

  LineReader bytes_;
  std::string name_;
  std::string text_;
  bool began_ = false, any_ = false, ended_ = false;
};

}  // namespace

std::unique_ptr<RecordReader> MakeJsonListReader(LineReader bytes, const std::string& name) {
  return std::make_unique<JsonListReader>(std::move(bytes), name);
}

}  // namespace gatehouse

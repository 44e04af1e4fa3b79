#include "data/text_source.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "data/foreign_file.h"
#include "text/utf8.h"

namespace gatehouse {
namespace {

constexpr size_t kHead = 1024;  // enough to know a file by

class TextSource : public ByteSource {
 public:
  TextSource(std::unique_ptr<ByteSource> raw, std::string name)
      : raw_(std::move(raw)), name_(std::move(name)), buffer_(size_t{64} << 10) {}

  Result<void> Begin() {
    while (end_ < kHead && !ended_) GATEHOUSE_TRY(Fill());
    const std::string_view head(buffer_.data(), end_);
    GATEHOUSE_TRY(CheckIsText(head, name_));
    using std::string_view_literals::operator""sv;
    if (head.starts_with("\xFF\xFE\0\0"sv) || head.starts_with("\0\0\xFE\xFF"sv))
      return BadInput("text in an encoding that is not read", name_, "UTF-8 or UTF-16", "UTF-32");
    wide_ = head.starts_with("\xFF\xFE") || head.starts_with("\xFE\xFF");
    big_endian_ = head.starts_with("\xFE\xFF");
    return {};
  }

  Result<size_t> Read(char* out, size_t size) override {
    if (wide_) return ReadWide(out, size);
    if (begin_ == end_) return raw_->Read(out, size);
    return Give(buffer_.data(), &begin_, end_, out, size);
  }

 private:
  static size_t Give(const char* from, size_t* begin, size_t end, char* out, size_t size) {
    const size_t count = std::min(size, end - *begin);
    std::memcpy(out, from + *begin, count);
    *begin += count;
    return count;
  }

  Result<void> Fill() {
    if (begin_ == end_) begin_ = end_ = 0;
    GATEHOUSE_ASSIGN(const size_t count, raw_->Read(buffer_.data() + end_, buffer_.size() - end_));
    end_ += count;
    ended_ = count == 0;
    return {};
  }

  Result<size_t> ReadWide(char* out, size_t size) {
    while (given_ == text_.size()) {
      text_.clear();
      given_ = 0;
      // A unit may have come by half.
      if (end_ - begin_ < 2 && !ended_) {
        std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
        end_ -= begin_;
        begin_ = 0;
        GATEHOUSE_TRY(Fill());
        continue;
      }
      for (; end_ - begin_ >= 2; begin_ += 2) AddUnit();
      if (!ended_) continue;
      // What is left over ends nothing: a byte that is in no UTF-8.
      if (high_ != 0) AddCodePoint(std::exchange(high_, 0));
      if (begin_ < end_) {
        text_ += '\xFF';
        begin_ = end_;
      }
      if (text_.empty()) return size_t{0};
    }
    return Give(text_.data(), &given_, text_.size(), out, size);
  }

  void AddUnit() {
    const auto byte = [this](size_t i) {
      return static_cast<uint32_t>(static_cast<unsigned char>(buffer_[begin_ + i]));
    };
    const uint32_t unit = big_endian_ ? byte(0) << 8 | byte(1) : byte(1) << 8 | byte(0);
    const bool low = unit >= 0xDC00 && unit < 0xE000;
    if (high_ != 0 && low) {
      AddCodePoint(0x10000 + ((high_ - 0xD800) << 10) + (unit - 0xDC00));
      high_ = 0;
      return;
    }
    if (high_ != 0) AddCodePoint(std::exchange(high_, 0));
    if (unit >= 0xD800 && unit < 0xDC00) {
      high_ = unit;
    } else {
      AddCodePoint(unit);
    }
  }

  void AddCodePoint(uint32_t value) {
    if (value >= 0xD800 && value < 0xE000) {
      text_ += '\xFF';  // half of a pair: a byte that is in no UTF-8
    } else {
      AppendUtf8(value, &text_);
    }
  }

  std::unique_ptr<ByteSource> raw_;
  std::string name_;
  std::vector<char> buffer_;  // bytes of the file
  size_t begin_ = 0, end_ = 0;
  bool ended_ = false;
  bool wide_ = false, big_endian_ = false;
  std::string text_;  // of what was UTF-16
  size_t given_ = 0;
  uint32_t high_ = 0;  // the first half of a surrogate pair, or 0
};

}  // namespace

Result<std::unique_ptr<ByteSource>> MakeTextSource(std::unique_ptr<ByteSource> raw, const std::string& name) {
  auto source = std::make_unique<TextSource>(std::move(raw), name);
  GATEHOUSE_TRY(source->Begin());
  return std::unique_ptr<ByteSource>(std::move(source));
}

}  // namespace gatehouse

#include "data/byte_source.h"

#include <zlib.h>

#include <algorithm>
#include <cstring>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/input_file.h"

namespace gatehouse {
namespace {

class FileSource : public ByteSource {
 public:
  explicit FileSource(InputFile file) : file_(std::move(file)) {}
  Result<size_t> Read(char* out, size_t size) override { return file_.Read(out, size); }

 private:
  InputFile file_;
};

class MemorySource : public ByteSource {
 public:
  explicit MemorySource(std::string bytes) : bytes_(std::move(bytes)) {}

  Result<size_t> Read(char* out, size_t size) override {
    const size_t count = std::min(size, bytes_.size() - at_);
    std::memcpy(out, bytes_.data() + at_, count);
    at_ += count;
    return count;
  }

 private:
  std::string bytes_;
  size_t at_ = 0;
};

class UnpackingSource : public ByteSource {
 public:
  UnpackingSource(std::unique_ptr<ByteSource> raw, std::string name)
      : raw_(std::move(raw)), name_(std::move(name)), buffer_(size_t{64} << 10) {}
  UnpackingSource(const UnpackingSource&) = delete;
  UnpackingSource& operator=(const UnpackingSource&) = delete;
  ~UnpackingSource() override {
    if (gzip_) inflateEnd(&stream_);
  }

  Result<void> Begin() {
    // A pipe may give one byte at first.
    while (end_ < 2 && !raw_ended_) GATEHOUSE_TRY(Fill());
    const bool magic = end_ >= 2 && buffer_[0] == '\x1f' && buffer_[1] == '\x8b';
    if (!magic) {
      if (std::string_view(name_).ends_with(".gz"))
        return BadInput("malformed gzip file", name_, "gzip data",
                        end_ == 0 ? "an empty file" : "other data");
      return {};
    }
    // 15 bits of window, and 16: a gzip header and trailer around the data.
    if (inflateInit2(&stream_, 15 + 16) != Z_OK) return InternalError("zlib could not be started", name_);
    gzip_ = true;
    return {};
  }

  Result<size_t> Read(char* out, size_t size) override {
    if (gzip_) return Inflate(out, size);
    if (begin_ == end_) return raw_->Read(out, size);
    const size_t count = std::min(size, end_ - begin_);
    std::memcpy(out, buffer_.data() + begin_, count);
    begin_ += count;
    return count;
  }

 private:
  // Appends to what is in the buffer where there is room behind it, else begins anew.
  Result<void> Fill() {
    if (begin_ == end_) begin_ = end_ = 0;
    GATEHOUSE_ASSIGN(const size_t count, raw_->Read(buffer_.data() + end_, buffer_.size() - end_));
    end_ += count;
    raw_ended_ = count == 0;
    return {};
  }

  Result<size_t> Inflate(char* out, size_t size) {
    size = std::min(size, size_t{1} << 20);
    for (;;) {
      if (begin_ == end_ && !raw_ended_) GATEHOUSE_TRY(Fill());
      if (begin_ == end_) {
        if (between_members_) return size_t{0};
        return BadInput("gzip file ends early", name_, "the end of the compressed data",
                        "the end of the file");
      }
      if (between_members_) {
        // Zeros behind the last member are padding, as of tapes.
        if (buffer_[begin_] == '\0') {
          ++begin_;
          padded_ = true;
          continue;
        }
        if (padded_ || buffer_[begin_] != '\x1f' || inflateReset(&stream_) != Z_OK)
          return BadInput("malformed gzip file", name_, "the end of the file",
                          "other data behind the compressed data");
        between_members_ = false;
      }
      stream_.next_in = reinterpret_cast<Bytef*>(buffer_.data() + begin_);
      stream_.avail_in = static_cast<uInt>(end_ - begin_);
      stream_.next_out = reinterpret_cast<Bytef*>(out);
      stream_.avail_out = static_cast<uInt>(size);
      const int status = inflate(&stream_, Z_NO_FLUSH);
      begin_ = end_ - stream_.avail_in;
      if (status == Z_STREAM_END) {
        between_members_ = true;
      } else if (status != Z_OK && status != Z_BUF_ERROR) {
        return BadInput("malformed gzip file", name_, "sound compressed data",
                        stream_.msg != nullptr ? stream_.msg : "an error of zlib");
      }
      const size_t made = size - stream_.avail_out;
      if (made > 0) return made;
    }
  }

  std::unique_ptr<ByteSource> raw_;
  std::string name_;
  std::vector<char> buffer_;  // compressed bytes, or the first bytes of a plain file
  size_t begin_ = 0, end_ = 0;
  bool raw_ended_ = false;
  bool gzip_ = false;
  bool between_members_ = false;
  bool padded_ = false;
  z_stream stream_ = {};
};

}  // namespace

Result<std::unique_ptr<ByteSource>> OpenFileSource(const std::string& path) {
  GATEHOUSE_ASSIGN(InputFile file, InputFile::Open(path));
  return std::unique_ptr<ByteSource>(std::make_unique<FileSource>(std::move(file)));
}

std::unique_ptr<ByteSource> MakeMemorySource(std::string bytes) {
  return std::make_unique<MemorySource>(std::move(bytes));
}

Result<std::unique_ptr<ByteSource>> MakeUnpackingSource(std::unique_ptr<ByteSource> raw,
                                                        const std::string& name) {
  auto source = std::make_unique<UnpackingSource>(std::move(raw), name);
  GATEHOUSE_TRY(source->Begin());
  return std::unique_ptr<ByteSource>(std::move(source));
}

}  // namespace gatehouse

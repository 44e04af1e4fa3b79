#include "server/http/body.h"

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

namespace gatehouse::server {
namespace {

namespace http = boost::beast::http;

// The line before a chunk with its extensions, or the fields behind the last: longer ones are nobody's.
constexpr size_t kMaxChunkLine = 4u << 10;

// Any end of a body has as many. Beast 1.81 takes it for granted that a last chunk of which it saw a part has
// grown to that when it looks again.
constexpr size_t kLeastBytes = 5;

// Whether a chunk's first line is there, and Beast still waits: for the end of a quoted extension, which it
// would look for in the chunk itself.
bool IsStuck(std::string_view bytes) {
  if (bytes.starts_with("\r\n")) bytes.remove_prefix(2);
  const size_t end = bytes.find("\r\n");
  if (end == std::string_view::npos) return false;
  const size_t size = bytes.find_first_not_of('0');
  const bool last = size == end || bytes[size] == ';' || bytes[size] == ' ' || bytes[size] == '\t';
  return !last;
}

}  // namespace

struct BodyReader::Chunks {
  http::request_parser<http::string_body> parser;
};

BodyReader::BodyReader(const Head& head, size_t limit) : length_(head.length), limit_(limit) {
  if (!head.chunked) return;
  chunks_ = std::make_unique<Chunks>();
  chunks_->parser.eager(true);
  chunks_->parser.body_limit(limit);
  // Beast sees a head of ours, so that whatever it is laxer in was decided before.
  static constexpr std::string_view kHead =
      "POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n";
  boost::beast::error_code error;
  chunks_->parser.put(boost::asio::buffer(kHead.data(), kHead.size()), error);
}
BodyReader::~BodyReader() = default;

BodyReader::State BodyReader::Take(std::string* bytes) {
  if (chunks_ == nullptr) {
    if (length_ > limit_) return kTooLarge;
    if (body_.empty()) body_.reserve(std::min(length_, size_t{1} << 20));
    const size_t taken = std::min(bytes->size(), length_ - body_.size());
    body_.append(*bytes, 0, taken);
    bytes->erase(0, taken);
    return body_.size() == length_ ? kDone : kMore;
  }
  size_t taken = 0;
  State state = kMore;
  while (!chunks_->parser.is_done() && bytes->size() - taken >= kLeastBytes) {
    boost::beast::error_code error;
    const size_t used =
        chunks_->parser.put(boost::asio::buffer(bytes->data() + taken, bytes->size() - taken), error);
    taken += used;
    if (error == http::error::need_more || (!error && used == 0)) {
      const std::string_view rest = std::string_view(*bytes).substr(taken);
      if (rest.size() > kMaxChunkLine || IsStuck(rest)) state = kBad;
      break;
    }
    if (error) {
      state = error == http::error::body_limit ? kTooLarge : kBad;
      break;
    }
  }
  bytes->erase(0, taken);
  return chunks_->parser.is_done() ? kDone : state;
}

std::string& BodyReader::body() { return chunks_ == nullptr ? body_ : chunks_->parser.get().body(); }

}  // namespace gatehouse::server

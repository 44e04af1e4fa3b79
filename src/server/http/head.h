// The head of a request, read strictly from its bytes: where two readers could disagree on where a request
// ends, it is refused, since the one behind it might then be somebody else's (RFC 9112, sections 2 to 7).
//
//   size_t looked_at = 0;
//   const HeadEnd end = FindHeadEnd(buffer, &looked_at);   // again with more bytes, until it is found
//   if (end.state == HeadEnd::kFound) ReadHead(std::string_view(buffer).substr(0, end.bytes));
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "server/http/message.h"

namespace gatehouse::server {

inline constexpr size_t kMaxHeadBytes = 32u << 10;
inline constexpr size_t kMaxHeaders = 100;

struct HeadEnd {
  enum State { kMore, kFound, kBad, kTooLarge };
  State state = kMore;
  size_t bytes = 0;  // of the head with its empty line, once found
};

// looked_at: bytes of the buffer that were looked at before; 0 at first. What can be no head is kBad as soon
// as it is seen: a sender that ends its lines otherwise would be waited for in vain.
HeadEnd FindHeadEnd(std::string_view buffer, size_t* looked_at);

struct Head {
  Request request;  // without body and id
  uint64_t length = 0;
  bool chunked = false;
  bool is_1_1 = true;
  bool keep_alive = true;
  bool expects_continue = false;

  bool has_body() const { return chunked || length > 0; }
};

struct HeadError {
  int status = 400;
  std::string message;  // quotes nothing of the request
};

std::variant<Head, HeadError> ReadHead(std::string_view bytes);

}  // namespace gatehouse::server

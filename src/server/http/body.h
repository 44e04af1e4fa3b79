// The body of a request whose head was read: how much of the bytes behind it belongs to it, and what it is
// once its chunks are put together. Beast reads the chunks; its headers are slow to compile and stay within.
//
//   BodyReader body(head, limit);
//   while (body.Take(&buffer) == BodyReader::kMore) { ... append what arrives to buffer ... }
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "server/http/head.h"

namespace gatehouse::server {

class BodyReader {
 public:
  enum State { kMore, kDone, kTooLarge, kBad };

  BodyReader(const Head& head, size_t limit);
  ~BodyReader();

  // Takes from the front of *bytes what belongs to the body; what is left stands behind the request, or is
  // waited for with more.
  State Take(std::string* bytes);
  std::string& body();

 private:
  struct Chunks;
  std::unique_ptr<Chunks> chunks_;  // null: the length is known
  std::string body_;
  size_t length_ = 0, limit_ = 0;
};

}  // namespace gatehouse::server

// Any bytes as what a connection sends: a head, refused or read, then its body; however the bytes are cut,
// what is taken for a request is the same. Seeds: heads/.
#include <cstdint>
#include <string>
#include <string_view>

#include "server/http/body.h"
#include "server/http/head.h"

namespace {

using namespace gatehouse::server;

struct Outcome {
  int head = -1;   // HeadEnd's state
  int status = 0;  // of a head that was refused
  // Of a body that is none, Beast may see that now or with more bytes (a quote in an extension of a chunk).
  bool whole = false;
  std::string text, rest;
  bool operator==(const Outcome&) const = default;
};

// step: bytes that arrive at once.
Outcome Read(std::string_view bytes, size_t step) {
  Outcome out;
  std::string buffer;
  size_t looked_at = 0;
  HeadEnd end;
  do {
    buffer.append(bytes.substr(0, step));
    bytes.remove_prefix(std::min(step, bytes.size()));
    end = FindHeadEnd(buffer, &looked_at);
  } while (end.state == HeadEnd::kMore && !bytes.empty());
  out.head = end.state;
  if (end.state != HeadEnd::kFound) return out;
  const auto read = ReadHead(std::string_view(buffer).substr(0, end.bytes));
  if (const auto* error = std::get_if<HeadError>(&read)) {
    out.status = error->status;
    if (out.status < 400 || error->message.empty()) __builtin_trap();
    return out;
  }
  const Head& head = std::get<Head>(read);
  if (head.request.path.empty() || head.request.path.front() != '/') __builtin_trap();
  if (head.request.Find("host") == nullptr || (head.chunked && head.length > 0)) __builtin_trap();
  buffer.erase(0, end.bytes);
  BodyReader body(head, 1000);
  BodyReader::State state = body.Take(&buffer);
  while (state == BodyReader::kMore && !bytes.empty()) {
    buffer.append(bytes.substr(0, step));
    bytes.remove_prefix(std::min(step, bytes.size()));
    state = body.Take(&buffer);
  }
  out.whole = state == BodyReader::kDone;
  if (out.whole) {
    out.text = body.body();
    out.rest = buffer + std::string(bytes);
    if (out.text.size() > 1000) __builtin_trap();
  }
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const Outcome whole = Read(bytes, size + 1);
  // What is no head is seen at another byte where more is there; that it is none is not.
  if (size < 4096 && !(Read(bytes, 1) == whole)) __builtin_trap();
  if (!(Read(bytes, 7) == whole)) __builtin_trap();
  return 0;
}

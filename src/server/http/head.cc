#include "server/http/head.h"

#include <algorithm>
#include <array>

namespace gatehouse::server {
namespace {

HeadError Bad(std::string message) { return {400, std::move(message)}; }

// RFC 9110, 5.6.2.
bool IsTokenChar(char c) {
  const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  return letter || std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}
bool IsToken(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), IsTokenChar);
}
bool IsDigits(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}
bool IsBlank(char c) { return c == ' ' || c == '\t'; }

std::string_view Trimmed(std::string_view text) {
  while (!text.empty() && IsBlank(text.front())) text.remove_prefix(1);
  while (!text.empty() && IsBlank(text.back())) text.remove_suffix(1);
  return text;
}

// The line up to its CR LF, which is taken off with it. FindHeadEnd saw to it that there is one.
std::string_view TakeLine(std::string_view* bytes) {
  const size_t end = std::min(bytes->find("\r\n"), bytes->size());
  const std::string_view line = bytes->substr(0, end);
  bytes->remove_prefix(std::min(end + 2, bytes->size()));
  return line;
}

std::optional<HeadError> ReadRequestLine(std::string_view line, Head* out) {
  const size_t first = line.find(' '), last = line.rfind(' ');
  if (first == std::string_view::npos || first == last)
    return Bad("the request line is not METHOD TARGET VERSION");
  const std::string_view method = line.substr(0, first), target = line.substr(first + 1, last - first - 1),
                         version = line.substr(last + 1);
  if (!IsToken(method) ||
      std::any_of(method.begin(), method.end(), [](char c) { return c >= 'a' && c <= 'z'; }))
    return Bad("the method is no word in capitals");
  if (!version.starts_with("HTTP/")) return Bad("the request line ends with no version of HTTP");
  if (version != "HTTP/1.1" && version != "HTTP/1.0") return HeadError{505, "only HTTP/1.1 is spoken here"};
  if (target.empty() || target.front() != '/') return Bad("the target is no path");
  if (!std::all_of(target.begin(), target.end(), [](char c) { return c > ' ' && c < 0x7f && c != '#'; }))
    return Bad("the target holds a character that no path has");
  out->is_1_1 = version == "HTTP/1.1";
  out->keep_alive = out->is_1_1;
  out->request.method = method;
  const size_t question = target.find('?');
  out->request.path = target.substr(0, question);
  if (question != std::string_view::npos) out->request.query = target.substr(question + 1);
  return std::nullopt;
}

// host, host:port or [address]:port.
bool IsHost(std::string_view host) {
  const size_t port = host.rfind(':');
  const size_t bracket = host.rfind(']');
  if (port != std::string_view::npos && (bracket == std::string_view::npos || port > bracket)) {
    if (!IsDigits(host.substr(port + 1)) || host.size() - port > 6) return false;
    host = host.substr(0, port);
  }
  if (host.starts_with('[') != host.ends_with(']')) return false;
  if (host.starts_with('[')) host = host.substr(1, host.size() - 2);
  const bool address = bracket != std::string_view::npos;
  return !host.empty() && std::all_of(host.begin(), host.end(),
                                      [&](char c) { return IsTokenChar(c) || (address && c == ':'); });
}

// Names that frame a request also when a reader behind takes "_" for "-".
bool LooksLikeFraming(std::string name) {
  if (name.find('_') == std::string::npos) return false;
  std::replace(name.begin(), name.end(), '_', '-');
  return name == "content-length" || name == "transfer-encoding" || name == "host" || name == "connection";
}

std::optional<HeadError> ReadHeader(std::string_view line, Head* out) {
  const size_t colon = line.find(':');
  if (colon == std::string_view::npos || !IsToken(line.substr(0, colon)))
    return Bad("a line of the head is no header: its name must be a word, with a colon at its end");
  std::string name = InSmallLetters(line.substr(0, colon));
  if (LooksLikeFraming(name)) return Bad("a header's name imitates one that frames the request");
  const std::string_view value = Trimmed(line.substr(colon + 1));
  for (const char c : value) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte < ' ' && c != '\t') || byte == 0x7f) return Bad("a header holds a control character");
  }
  if (out->request.headers.size() == kMaxHeaders)
    return HeadError{431, "more than " + std::to_string(kMaxHeaders) + " headers"};
  out->request.headers.emplace_back(std::move(name), value);
  return std::nullopt;
}

// What is said of the body's length. At most one header, one value, in one spelling.
std::optional<HeadError> ReadFraming(Head* out) {
  const std::string *length = nullptr, *coding = nullptr, *host = nullptr;
  for (const auto& [name, value] : out->request.headers) {
    if (name == "content-length") {
      if (length != nullptr) return Bad("Content-Length twice");
      length = &value;
    } else if (name == "transfer-encoding") {
      if (coding != nullptr) return Bad("Transfer-Encoding twice");
      coding = &value;
    } else if (name == "host") {
      if (host != nullptr) return Bad("Host twice");
      host = &value;
    } else if (name == "connection") {
      const std::string words = InSmallLetters(value);
      if (words.find("close") != std::string::npos) out->keep_alive = false;
    } else if (name == "expect") {
      if (InSmallLetters(value) != "100-continue")
        return HeadError{417, "nothing but 100-continue can be expected"};
      out->expects_continue = true;
    }
  }
  if (host == nullptr) return Bad("no Host");
  if (!IsHost(*host)) return Bad("Host names no host");
  if (length != nullptr && coding != nullptr) return Bad("both Content-Length and Transfer-Encoding");
  if (length != nullptr) {
    // 18 digits fit into 64 bits; more than that are no honest length.
    if (!IsDigits(*length) || length->size() > 18) return Bad("Content-Length is no number of bytes");
    out->length = std::stoull(*length);
  }
  if (coding != nullptr) {
    // Chunks came with 1.1: a reader of 1.0 would not see them.
    if (!out->is_1_1) return Bad("Transfer-Encoding in HTTP/1.0");
    if (InSmallLetters(*coding) != "chunked") return HeadError{501, "no Transfer-Encoding but chunked"};
    out->chunked = true;
  }
  return std::nullopt;
}

}  // namespace

HeadEnd FindHeadEnd(std::string_view buffer, size_t* looked_at) {
  if (!buffer.empty() && (buffer.front() < 'A' || buffer.front() > 'Z')) return {HeadEnd::kBad, 0};
  size_t at = *looked_at;
  for (; at < buffer.size() && at < kMaxHeadBytes; ++at) {
    const char c = buffer[at];
    // Lines end with CR LF; neither stands anywhere else.
    if (c == '\n' && (at == 0 || buffer[at - 1] != '\r')) return {HeadEnd::kBad, 0};
    if (c != '\n' && at > 0 && buffer[at - 1] == '\r') return {HeadEnd::kBad, 0};
    if (c == '\0') return {HeadEnd::kBad, 0};
    if (c == '\n' && at >= 3 && buffer[at - 2] == '\n') return {HeadEnd::kFound, at + 1};
  }
  *looked_at = at;
  return {at >= kMaxHeadBytes ? HeadEnd::kTooLarge : HeadEnd::kMore, 0};
}

std::variant<Head, HeadError> ReadHead(std::string_view bytes) {
  Head out;
  if (auto error = ReadRequestLine(TakeLine(&bytes), &out)) return *error;
  while (!bytes.empty()) {
    const std::string_view line = TakeLine(&bytes);
    if (line.empty()) break;
    if (auto error = ReadHeader(line, &out)) return *error;
  }
  if (auto error = ReadFraming(&out)) return *error;
  return out;
}

}  // namespace gatehouse::server

#include "server/client.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>

namespace gatehouse::server {
namespace {

// Of one way to show a key. False: another one was shown before.
bool Show(const std::string& key, PresentedKey* out) {
  if (out->state == PresentedKey::kOne && out->key != key) return false;
  out->state = PresentedKey::kOne;
  out->key = key;
  return true;
}

}  // namespace

const char* PresentedKey::Complaint() const {
  switch (state) {
    case kNone:
      return "a key is needed: Authorization: Bearer KEY, or x-api-key: KEY";
    case kDiffer:
      return "two different keys";
    case kMalformed:
      return "Authorization must be Bearer KEY";
    default:
      return "the key is not known";
  }
}

PresentedKey KeyOf(const Request& head) {
  PresentedKey out;
  for (const auto& [name, value] : head.headers) {
    std::string key = value;
    if (name == "authorization") {
      if (value.size() < 8 || !SameName(std::string_view(value).substr(0, 7), "bearer ")) {
        out.state = PresentedKey::kMalformed;
        return out;
      }
      key = value.substr(7);
    } else if (name != "x-api-key") {
      continue;
    }
    if (!Show(key, &out)) {
      out.state = PresentedKey::kDiffer;
      return out;
    }
  }
  return out;
}

bool IsLoopbackHost(std::string_view host) {
  const size_t bracket = host.rfind(']'), port = host.rfind(':');
  if (port != std::string_view::npos && (bracket == std::string_view::npos || port > bracket))
    host = host.substr(0, port);
  return SameName(host, "localhost") || host == "[::1]" || IsLoopbackAddress(host);
}

bool IsLoopbackAddress(std::string_view host) {
  if (host == "::1") return true;
  in_addr address{};
  return ::inet_pton(AF_INET, std::string(host).c_str(), &address) == 1 &&
         (ntohl(address.s_addr) >> 24) == 127;
}

std::string PercentDecoded(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    unsigned char byte = 0;
    const char* const end = text.data() + std::min(i + 3, text.size());
    const bool is_byte = text[i] == '%' && i + 2 < text.size() &&
                         std::from_chars(text.data() + i + 1, end, byte, 16).ptr == end;
    out += is_byte ? static_cast<char>(byte) : text[i];
    if (is_byte) i += 2;
  }
  return out;
}

bool IsPlainJson(const Request& head) {
  const std::string* coding = head.Find("content-encoding");
  if (coding != nullptr && !coding->empty() && !SameName(*coding, "identity")) return false;
  const std::string* type = head.Find("content-type");
  if (type == nullptr) return false;
  std::string_view media = std::string_view(*type).substr(0, type->find(';'));
  while (!media.empty() && media.back() == ' ') media.remove_suffix(1);
  return SameName(media, "application/json");
}

}  // namespace gatehouse::server

// Which addresses may be fetched from.
#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>

#include "base/error.h"
#include "server/http/fetch.h"
#include "server/http/message.h"

namespace gatehouse::server {
namespace {

struct Net {
  uint32_t address;
  int bits;
};
// Of the special-purpose registry of IPv4 addresses (RFC 6890 and later): none of them is the open network.
constexpr std::array<Net, 14> kClosedNets = {{{0x00000000, 8},    // this host
                                              {0x0A000000, 8},    // private
                                              {0x64400000, 10},   // shared by carriers
                                              {0x7F000000, 8},    // loopback
                                              {0xA9FE0000, 16},   // link-local
                                              {0xAC100000, 12},   // private
                                              {0xC0000000, 24},   // protocol assignments
                                              {0xC0000200, 24},   // documentation
                                              {0xC0A80000, 16},   // private
                                              {0xC6120000, 15},   // benchmarks
                                              {0xC6336400, 24},   // documentation
                                              {0xCB007100, 24},   // documentation
                                              {0xE0000000, 4},    // multicast
                                              {0xF0000000, 4}}};  // reserved, broadcast

bool IsOpenV4(uint32_t address) {
  return std::none_of(kClosedNets.begin(), kClosedNets.end(),
                      [&](const Net& net) { return (address ^ net.address) >> (32 - net.bits) == 0; });
}

uint32_t V4At(const uint8_t* bytes) {
  return uint32_t{bytes[0]} << 24 | uint32_t{bytes[1]} << 16 | uint32_t{bytes[2]} << 8 | bytes[3];
}

bool IsOpenV6(const uint8_t* bytes) {
  static constexpr uint8_t kZeros[12] = {};
  static constexpr uint8_t kMapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};
  static constexpr uint8_t kNat64[12] = {0x00, 0x64, 0xFF, 0x9B};
  if (std::memcmp(bytes, kZeros, 12) == 0) return false;  // unspecified, loopback, the old embedding
  if (std::memcmp(bytes, kMapped, 12) == 0 || std::memcmp(bytes, kNat64, 12) == 0)
    return IsOpenV4(V4At(bytes + 12));
  if (bytes[0] == 0x20 && bytes[1] == 0x02) return IsOpenV4(V4At(bytes + 2));  // 6to4
  // 2000::/3 is what is given out; of that, 2001::/23 serves protocols and 2001:db8::/32 documentation.
  if ((bytes[0] & 0xE0) != 0x20) return false;
  if (bytes[0] == 0x20 && bytes[1] == 0x01)
    return (bytes[2] & 0xFE) != 0 && !(bytes[2] == 0x0D && bytes[3] == 0xB8);
  return true;
}

}  // namespace

bool IsOpenAddress(const sockaddr* address) {
  if (address->sa_family == AF_INET) {
    sockaddr_in own{};
    std::memcpy(&own, address, sizeof own);
    return IsOpenV4(ntohl(own.sin_addr.s_addr));
  }
  if (address->sa_family != AF_INET6) return false;
  sockaddr_in6 own{};
  std::memcpy(&own, address, sizeof own);
  return IsOpenV6(own.sin6_addr.s6_addr);
}

Result<AllowedHost> ParseAllowedHost(std::string_view text, const std::string& flag) {
  const Error bad = UsageError("malformed host", flag, "HOST or HOST:PORT", "another text");
  AllowedHost out;
  std::string_view host = text;
  const size_t bracket = text.rfind(']'), colon = text.rfind(':');
  const bool bare_v6 = std::count(text.begin(), text.end(), ':') > 1 && bracket == std::string_view::npos;
  if (!bare_v6 && colon != std::string_view::npos && (bracket == std::string_view::npos || colon > bracket)) {
    const std::string_view port = text.substr(colon + 1);
    const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), out.port);
    if (error != std::errc() || end != port.data() + port.size() || out.port == 0) return bad;
    host = text.substr(0, colon);
  }
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  for (const char c : host) {
    const bool good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                      c == '-' || c == '.' || c == '_' || c == ':';
    if (!good) return bad;
  }
  out.host = InSmallLetters(host);
  if (out.host.empty()) return bad;
  return out;
}

}  // namespace gatehouse::server

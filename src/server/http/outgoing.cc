#include "server/http/outgoing.h"

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "server/http/outgoing_parts.h"

namespace gatehouse::server {
namespace {

bool IsHostChar(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
         c == '_';
}

struct Reading : std::enable_shared_from_this<Reading> {
  void GoOn() {
    call->Read([self = shared_from_this()](Result<std::string> bytes) {
      if (!bytes.ok()) return self->done(bytes.error());
      if (bytes->empty()) return self->done(std::move(self->body));
      self->body += *bytes;
      self->GoOn();
    });
  }
  std::shared_ptr<OutgoingCall> call;
  std::function<void(Result<std::string>)> done;
  std::string body;
};

}  // namespace

void ReadAll(const std::shared_ptr<OutgoingCall>& call, std::function<void(Result<std::string>)> done) {
  const auto reading = std::make_shared<Reading>();
  reading->call = call;
  reading->done = std::move(done);
  reading->GoOn();
}

const std::string* OutgoingHead::Find(std::string_view name) const {
  for (const auto& [key, value] : headers) {
    if (key == name) return &value;
  }
  return nullptr;
}

Result<Target> ParseTarget(const std::string& url, const std::string& where) {
  const Error bad =
      UsageError("malformed address", where, "http://HOST[:PORT][/BASE] or https://...", "another text");
  Target out;
  std::string_view rest = url;
  if (rest.starts_with("https://")) {
    out.tls = true;
    rest.remove_prefix(8);
  } else if (rest.starts_with("http://")) {
    rest.remove_prefix(7);
  } else {
    return bad;
  }
  const size_t slash = std::min(rest.find('/'), rest.size());
  std::string_view authority = rest.substr(0, slash);
  out.base = rest.substr(slash);
  while (out.base.ends_with('/')) out.base.pop_back();
  out.port = out.tls ? "443" : "80";
  const size_t bracket = authority.find(']');
  const size_t colon = authority.rfind(':');
  if (colon != std::string_view::npos && (bracket == std::string_view::npos || colon > bracket)) {
    out.port = authority.substr(colon + 1);
    authority = authority.substr(0, colon);
  }
  const bool is_ip6 = authority.starts_with('[') && authority.ends_with(']');
  if (is_ip6) authority = authority.substr(1, authority.size() - 2);
  out.host = authority;
  bool good = !out.host.empty() && !out.port.empty() && out.port.size() <= 5;
  for (const char c : out.host) good = good && (IsHostChar(c) || (is_ip6 && c == ':'));
  for (const char c : out.port) good = good && c >= '0' && c <= '9';
  for (const char c : out.base) good = good && c > ' ' && c < 0x7f && c != '?' && c != '#';
  if (!good) return bad;
  return out;
}

Result<std::unique_ptr<Outgoing>> Outgoing::Create(Target target) {
  auto client = std::make_unique<outgoing::Client>(std::move(target));
  GATEHOUSE_TRY(client->Start());
  return std::unique_ptr<Outgoing>(std::move(client));
}

}  // namespace gatehouse::server

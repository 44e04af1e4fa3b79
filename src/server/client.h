// What a head says of its sender: the key it shows, the host it believes to speak to, the kind of its body.
#pragma once

#include <string>

#include "server/http/message.h"

namespace gatehouse::server {

struct PresentedKey {
  enum State { kNone, kOne, kDiffer, kMalformed };
  State state = kNone;
  std::string key;

  const char* Complaint() const;
};

// Of `Authorization: Bearer` and `x-api-key`; both may say the same.
PresentedKey KeyOf(const Request& head);

// localhost, 127.0.0.0/8 or [::1], with any port.
bool IsLoopbackHost(std::string_view host);

// The same of an address: "127.0.0.1", "::1".
bool IsLoopbackAddress(std::string_view address);

// A part of a path without its %XX; what is none stays as it is.
std::string PercentDecoded(std::string_view text);

// application/json by its type, and no coding.
bool IsPlainJson(const Request& head);

}  // namespace gatehouse::server

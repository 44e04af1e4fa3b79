// The id of a request: what its client calls it, where that is harmless to write, or one made up.
#pragma once

#include <string>

#include "server/http/message.h"

namespace gatehouse::server {

std::string RequestId(const Request& request);
// So many random digits of base 16.
std::string RandomHex(int digits);

}  // namespace gatehouse::server

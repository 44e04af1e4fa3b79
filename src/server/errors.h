// What an error of the guard is to a client.
#pragma once

#include "gatehouse/result.h"
#include "server/http/message.h"

namespace gatehouse::server {

Response ResponseOf(const Error& error);
// What could not even be begun: there is no memory, above all.
Response Overloaded();

}  // namespace gatehouse::server

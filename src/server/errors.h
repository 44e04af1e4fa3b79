// What an error of the guard is to a client.
#pragma once

#include "gatehouse/result.h"
#include "server/http/message.h"

namespace gatehouse::server {

Response ResponseOf(const Error& error);

}  // namespace gatehouse::server

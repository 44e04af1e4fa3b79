// POST /v1/moderations: OpenAI's body (`input`) and that of the Llama API (`messages`).
#pragma once

#include "gatehouse/result.h"
#include "server/asked.h"

namespace gatehouse::server {

// Errors: kBadInput, naming the member.
Result<Asked> ReadModeration(const Request& request, const Surroundings& around);

}  // namespace gatehouse::server

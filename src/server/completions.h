// POST /v1/completions: prompts that the client rendered itself, answered as Llama Guard would continue them.
#pragma once

#include "gatehouse/result.h"
#include "server/asked.h"

namespace gatehouse::server {

// The first token of each answer is its verdict. Errors: kBadInput, naming the member.
Result<Asked> ReadCompletion(const Request& request, const Surroundings& around);

}  // namespace gatehouse::server

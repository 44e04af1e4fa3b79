// POST /v1/chat/completions with the guard as the model, as vLLM serves Llama Guard; GET /v1/models.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "gatehouse/result.h"
#include "server/asked.h"

namespace gatehouse::server {

// The last message is judged; the answer's content is the verdict as the model would write it. Errors:
// kBadInput, naming the member.
Result<Asked> ReadChatCompletion(const Request& request, const Surroundings& around);

// created: seconds since 1970.
Response OneModel(const std::string& name, int64_t created);
Response ModelList(const std::vector<std::string>& names, int64_t created);

}  // namespace gatehouse::server

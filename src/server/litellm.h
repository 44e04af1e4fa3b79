// POST /beta/litellm_basic_guardrail_api: LiteLLM's generic guardrail. Each text is judged alone, and the
// call is blocked if one of them is unsafe.
#pragma once

#include "gatehouse/result.h"
#include "server/asked.h"

namespace gatehouse::server {

// Errors: kBadInput, naming the member.
Result<Asked> ReadLiteLlm(const Request& request, const Surroundings& around);

}  // namespace gatehouse::server

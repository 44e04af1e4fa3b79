// POST /tokenize, as vLLM answers it: the tokens of a text, or of the prompt that a conversation makes.
#pragma once

#include "gatehouse/guard.h"
#include "gatehouse/result.h"
#include "server/asked.h"

namespace gatehouse::server {

// Nothing is judged: the answer is there at once. A text is text, whatever it spells, and nothing is put
// before it. Errors: kBadInput, naming the member: also images, which would have to be decoded.
Result<Asked> ReadTokenize(const Request& request, const Surroundings& around, const Guard& guard);

}  // namespace gatehouse::server

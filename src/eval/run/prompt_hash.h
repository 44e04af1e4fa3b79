// Which rows belong to one prompt: a prompt and all answers to it have the same number.
#pragma once

#include <cstdint>

#include "gatehouse/conversation.h"

namespace gatehouse {

// Of the messages before the answer that is judged; of a row that is a prompt, of all. White space around a
// text does not count.
uint64_t PromptHash(const Conversation& conversation);

}  // namespace gatehouse

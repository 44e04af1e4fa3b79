// Prompts that clients rendered themselves, and what becomes of the client's policy where one is judged.
#pragma once

#include <string>

#include "gatehouse/guard.h"
#include "gatehouse/result.h"
#include "server/asked.h"

namespace gatehouse::server {

// The conversation that such a prompt is. options: of the client's policy and the request. Where the prompt
// lists categories of its own, those are asked about, and thresholds and exclusions of others do not count.
// Errors: kBadInput, below where: a list without categories, or options that choose categories as well.
Result<Conversation> ReadRawPrompt(RawPrompt raw, const std::string& where, const Surroundings& around,
                                   ClassifyOptions* options);

// Whether the last message of a conversation holds a rendered prompt of Llama Guard, or a part of one.
bool LooksPrerendered(const Conversation& conversation);
// The text of a conversation that is one message and holds a rendered prompt of Llama Guard; else null.
const std::string* PrerenderedText(const Conversation& conversation);

// The same as ReadRawPrompt of what stands in a message of a chat, with or without its control tokens.
// Errors: also: the guard is no Llama Guard, whose prompt it could be.
Result<Conversation> ReadPrerendered(const std::string& text, const std::string& where,
                                     const Surroundings& around, ClassifyOptions* options);

}  // namespace gatehouse::server

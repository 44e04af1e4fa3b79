// Windows: a conversation that is longer than a prompt may be, as several conversations that are not, and
// that together say all of its last message: nothing of what is judged is cut off in silence.
//
//   GATEHOUSE_ASSIGN(Windows windows, CutIntoWindows(conversation, {2048, 64}, tokenizer, count));
//   for (const Conversation& window : windows.list) ... judge it; the worst counts (worst_verdict.h) ...
//
// Each window is the last message with a part of its text, and with all of its images. Neighbours overlap by
// half, so that whatever is shorter than that stands whole in one of them. Of the turns before, the latest
// stand in every window, as many as fit into a quarter of the room.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "gatehouse/conversation.h"
#include "gatehouse/result.h"
#include "text/tokenizer.h"

namespace gatehouse {

struct Windows {
  std::vector<Conversation> list;  // in the order of the text; all with the same messages before the last
  int dropped_messages = 0;        // of those before it, the oldest
};

struct WindowLimits {
  int64_t tokens = 0;  // of a prompt
  int most = 0;        // windows
};

// Tokens of the prompt that a conversation makes.
using CountTokens = std::function<Result<int64_t>(const Conversation&)>;

// The roles alternate and begin with the user. known: what an earlier, shorter form of the last message left
// there, one for each of its texts; may be null. Errors: kBadInput: policy and images leave no room for text;
// more windows than allowed; what count says.
Result<Windows> CutIntoWindows(const Conversation& conversation, const WindowLimits& limits,
                               const Tokenizer& tokenizer, const CountTokens& count,
                               std::vector<EncodedText>* known = nullptr);

// What tells the windows of one conversation from each other: the texts of the last message, and where each
// ends.
std::string LastTexts(const Conversation& window);

}  // namespace gatehouse

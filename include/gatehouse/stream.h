// Stream: checks an answer while it grows. Each piece costs its own tokens and the few that the policy puts
// behind the message; what came before is kept by the guard.
//
//   gatehouse::Stream stream(guard, conversation);       // ends with the user's message
//   for (each piece of the answer) {
//     auto verdict = stream.Append(piece);
//     if (!verdict.ok() || verdict->unsafe) break;       // fail closed
//   }
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "gatehouse/conversation.h"
#include "gatehouse/guard.h"
#include "gatehouse/result.h"
#include "gatehouse/verdict.h"

namespace gatehouse {

class Stream {
 public:
  // before: the conversation so far; the growing message is the next one. guard outlives the stream.
  Stream(const Guard& guard, Conversation before, ClassifyOptions options = {});
  Stream(Stream&&) noexcept;
  ~Stream();

  // The verdict on the message with this piece at its end, exactly as Guard::Classify gives it for the whole.
  // A piece may end within a character: its bytes wait for the next piece. Errors: as Guard::Classify's.
  Result<Verdict> Append(std::string_view piece);

  const std::string& text() const { return conversation_.messages.back().parts.front().text; }

 private:
  const Guard& guard_;
  Conversation conversation_;
  ClassifyOptions options_;
  std::string waiting_;  // the beginning of a character
  struct Memory;
  std::unique_ptr<Memory> memory_;  // of the piece before
};

}  // namespace gatehouse

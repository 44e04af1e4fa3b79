// Stream: checks an answer while it grows. Each piece costs its own tokens and the few that the policy puts
// behind the message; what came before is kept for the stream.
//
//   gatehouse::Stream stream(guard, conversation);       // ends with the user's message
//   for (each piece of the answer) {
//     auto verdict = stream.Append(piece);
//     if (!verdict.ok() || verdict->unsafe) break;       // fail closed
//   }
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "gatehouse/conversation.h"
#include "gatehouse/guard.h"
#include "gatehouse/result.h"
#include "gatehouse/verdict.h"

namespace gatehouse {

class Stream {
 public:
  using Deadline = std::optional<std::chrono::steady_clock::time_point>;

  // before: the conversation so far; the growing message is the next one. guard outlives the stream. The
  // options' deadline counts for checks that have none of their own.
  Stream(const Guard& guard, Conversation before, ClassifyOptions options = {});
  Stream(Stream&&) noexcept;
  ~Stream();

  // Adds a piece and checks: the verdict on the message with this piece at its end, scores exactly as
  // Guard::Classify gives them for the whole. Categories are scored only where unsafe_score reaches the
  // lowest threshold in force: below it category_scores is empty. A piece may end within a character: its
  // bytes wait for the next piece. Errors: as Guard::Classify's.
  Result<Verdict> Append(std::string_view piece, Deadline deadline = {});

  // The same in two steps, for those who do not check every piece.
  void Add(std::string_view piece);
  Result<Verdict> Check(Deadline deadline = {});
  // Tokens of the message that no verdict has seen.
  int unjudged_tokens();
  // The answer is complete: judges it whole, also the bytes of a character that was cut off, with all scores.
  Result<Verdict> Finish(Deadline deadline = {});

  const std::string& text() const { return conversation_.messages.back().parts.front().text; }

 private:
  Result<Verdict> Judge(Deadline deadline, bool whole);

  const Guard& guard_;
  Conversation conversation_;
  ClassifyOptions options_;
  std::string waiting_;  // the beginning of a character
  struct Memory;
  std::unique_ptr<Memory> memory_;  // of the checks before
};

}  // namespace gatehouse

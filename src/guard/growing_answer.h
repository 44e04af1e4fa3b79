// GrowingAnswer: what Stream is made of, without waiting, and for whoever keeps the conversation himself (the
// answer may be of several parts).
//
//   GrowingAnswer answer(guard);
//   answer.Submit(guard, conversation, options, /*whole=*/false, [](Result<Verdict> verdict) { ... });
//   answer.Submit(guard, longer, options, /*whole=*/true, ...);   // once the one before has been told
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "gatehouse/guard.h"

namespace gatehouse {

class GrowingAnswer {
 public:
  // guard outlives it.
  explicit GrowingAnswer(const Guard& guard);
  GrowingAnswer(GrowingAnswer&&) noexcept;
  ~GrowingAnswer();

  // conversation: the answer as it stands is its last message, at most one part of it changed but by growing.
  // whole: it is complete: all scores, else only where they matter. Errors: as Guard::Submit.
  Result<Request> Submit(const Guard& guard, Conversation conversation, ClassifyOptions options, bool whole,
                         Guard::Done done);

  // Tokens of a text of the answer by itself. Of one that grew since the last call only the end costs.
  int64_t CountTokens(const Guard& guard, const std::string& text);

 private:
  struct Memory;
  std::unique_ptr<Memory> memory_;
};

}  // namespace gatehouse

// StreamedChoice: one choice of a streamed answer: what its deltas add up to, and how far it may leave.
//
// Positions count the choice's events. Of the event at a position p nothing leaves before a verdict on the
// answer as it stood at p or later, and the events of a call of a tool leave together.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "formats/json.h"
#include "gatehouse/conversation.h"
#include "guard/growing_answer.h"

namespace gatehouse::server {

struct StreamedChoice {
  explicit StreamedChoice(const Guard& guard) : answer(guard) {}

  // A delta; the members of its message grow. left_out: ConversationOptions. Errors: kBadInput: what cannot
  // be judged.
  Result<void> Add(const Json& delta, std::vector<std::string>* left_out);
  // The text in it, to count its tokens.
  std::string Text() const;
  // Whether its calls have their names.
  bool CanBeJudged() const;
  bool has_open_call() const { return !calls.empty() && calls.back().end == kOpen; }
  void EndCall() {
    if (has_open_call()) calls.back().end = position;
  }
  // Whether the event at that position may leave: one of a call once the whole call was judged.
  bool MayLeave(int64_t at) const;

  static constexpr int64_t kOpen = INT64_MAX;
  struct Call {
    int64_t begin;        // its first event
    int64_t end = kOpen;  // the event by which it was complete, behind it
  };
  struct Due {
    int64_t position;
    Json message;
    bool whole;
  };

  GrowingAnswer answer;
  Json message = Json::object();
  int64_t position = 0;  // of the last event
  int64_t safe = 0;      // up to where it was judged safe
  std::vector<Call> calls;
  int64_t open_call = -1;                                // its index
  int64_t tokens = 0;                                    // of its text so far
  int64_t due_tokens = 0;                                // of it at the last check that was due
  int64_t left_tokens = 0;                               // of it that left
  std::deque<Due> due;                                   // checks that wait, the first perhaps under way
  std::optional<Verdict> verdict;                        // the last, or the first that was unsafe
  std::chrono::steady_clock::time_point due_since = {};  // when the first of them was asked for
  bool checking = false, finished = false, blocked = false;
  bool left = false;  // some event of it
};

}  // namespace gatehouse::server

// Verdict: the answer to one conversation. The definition of every figure: docs/verdict.md.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "gatehouse/conversation.h"

namespace gatehouse {

struct Usage {  // tokens: of all frames that were judged
  int prompt_tokens = 0;
  int cached_tokens = 0;
  int image_tokens = 0;
  int images = 0;
  int frames = 0;  // of animated images; 0 where none is animated
};

struct Timings {  // milliseconds
  double image = 0;
  double vision = 0;
  double prefill = 0;
  double decode = 0;
  double total = 0;
};

struct Verdict {
  bool unsafe = true;
  Role role = Role::kUser;  // whose message was judged
  std::vector<std::string>
      categories;             // violated keys, empty when safe, {"unknown"} when the model did not answer
  double unsafe_score = 1.0;  // p(unsafe) / (p(unsafe) + p(safe)), calibrated
  std::vector<std::pair<std::string, double>> category_scores;  // in the order of the policy
  std::string output;                                           // "safe", or "unsafe\nS1,S2"
  std::string raw_output;   // what the model says unconstrained; only when asked for
  bool lead = false;        // was the path through the leading token taken
  double verdict_mass = 0;  // p(safe) + p(unsafe)
  // Of a conversation longer than a prompt may be: in how many overlapping parts its last message was judged,
  // and how many of the messages before that were left out. 0: it was judged whole.
  int windows = 0;
  int dropped_messages = 0;
  // Where normalising the text changed it, so that it was judged twice: is this the normalised text's
  // verdict?
  std::optional<bool> normalised;
  std::string model;
  std::string policy;
  Usage usage;
  Timings timings;
};

}  // namespace gatehouse

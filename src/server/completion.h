// What both completion APIs share: members of their requests, and a verdict as the answer of a language
// model.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "formats/json.h"
#include "gatehouse/result.h"
#include "gatehouse/verdict.h"
#include "policy/policy.h"
#include "server/asked.h"

namespace gatehouse::server {

struct CompletionShape {
  bool stream = false, with_usage = false;
  std::string model;  // as the client calls it
};

// Errors: kBadInput, naming the member: also several answers, of which there is one.
Result<CompletionShape> ReadCompletionShape(const Json& root, const Surroundings& around);
// Errors: kBadInput: neither true nor false, nor absent or null.
Result<bool> Truth(const Json& root, const char* name);

// The verdict word and the other one, each with the logarithm of its probability (docs/verdict.md).
struct VerdictWord {
  std::string text;
  double log = 0;
};
struct VerdictLogs {
  VerdictWord said, other;
};
VerdictLogs LogsOf(const Verdict& verdict, const Policy& policy);

// with_costs: also how many tokens were known before.
Json CompletionUsage(std::span<const Verdict> verdicts, bool with_costs);

// id, object, created and model, as the client calls it.
Json CompletionEnvelope(const char* id_prefix, const char* object, const std::string& model);

// An answer that consists of events (sse.h), with their end.
Response EventsResponse(std::string events);

}  // namespace gatehouse::server

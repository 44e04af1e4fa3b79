// Figures for Prometheus: requests, verdicts, tokens.
//
//   metrics.OnVerdict(verdict, policy);
//   metrics.Text(guard);   // what GET /metrics answers
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "gatehouse/guard.h"
#include "gatehouse/verdict.h"
#include "policy/policy.h"
#include "server/http/server.h"

namespace gatehouse::server {

class Metrics {
 public:
  Metrics();
  ~Metrics();

  void OnEnd(const Exchange& exchange);
  // Categories that are not the policy's count as "other": a client's own lists must not grow the figures.
  // decision: what followed from it, where something did.
  void OnVerdict(const Verdict& verdict, const Policy& policy, std::string_view decision = {});
  // An upstream's answer: "200", "refused", "late", ...
  void OnUpstream(const std::string& outcome);
  // Something went on unjudged because the guard failed. side: "input" or "output".
  void OnFailOpen(const char* side);
  // guard: whose passes and waiting tokens are told too; may be null. dropped_lines: of the log, so far.
  std::string Text(const Guard* guard, int64_t dropped_lines = 0) const;

 private:
  struct Families;
  std::unique_ptr<Families> families_;
};

}  // namespace gatehouse::server

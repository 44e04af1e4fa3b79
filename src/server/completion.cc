#include "server/completion.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <utility>

#include "base/error.h"
#include "server/http/request_id.h"
#include "server/sse.h"

namespace gatehouse::server {
namespace {

// What no probability of a float32 comes near to; JSON has no infinity.
constexpr double kLowestLog = -9999;

int64_t Now() {
  return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch())
      .count();
}

// How likely the model said a word: its share before calibration, of both words' mass.
double LogOf(double share, double mass) {
  const double p = share * mass;
  return p > 0 ? std::max(std::log(p), kLowestLog) : kLowestLog;
}
double UnsafeShare(const Verdict& verdict, const Policy& policy) {
  if (policy.calibration_scale == 1.0 && policy.calibration_bias == 0.0) return verdict.unsafe_score;
  const double logit = std::log(verdict.unsafe_score / (1 - verdict.unsafe_score));
  return 1 / (1 + std::exp(-(logit - policy.calibration_bias) / policy.calibration_scale));
}

// Words and signs: the word, the line end, keys and commas between them.
int64_t PiecesOf(const Verdict& verdict) {
  const auto keys = static_cast<int64_t>(verdict.categories.size());
  return verdict.unsafe && keys > 0 ? 1 + 2 * keys : 1;
}

}  // namespace

Result<bool> Truth(const Json& root, const char* name) {
  const auto found = root.find(name);
  if (found == root.end() || found->is_null()) return false;
  if (!found->is_boolean()) return BadInput("malformed request", name, "true or false", ShortJson(*found));
  return found->get<bool>();
}

Result<CompletionShape> ReadCompletionShape(const Json& root, const Surroundings& around) {
  CompletionShape out;
  GATEHOUSE_ASSIGN(out.stream, Truth(root, "stream"));
  if (const auto options = root.find("stream_options"); options != root.end() && !options->is_null()) {
    if (!options->is_object())
      return BadInput("malformed request", "stream_options", "an object", ShortJson(*options));
    GATEHOUSE_ASSIGN(out.with_usage, Truth(*options, "include_usage"));
  }
  if (const auto n = root.find("n"); n != root.end() && !n->is_null() && *n != 1)
    return BadInput("several answers", "n", "1: there is one verdict", ShortJson(*n));
  out.model = around.served_names.front();
  if (const auto model = root.find("model"); model != root.end() && model->is_string() && *model != "")
    out.model = model->get<std::string>();
  return out;
}

VerdictLogs LogsOf(const Verdict& verdict, const Policy& policy) {
  const double share = UnsafeShare(verdict, policy);
  VerdictLogs out = {{policy.verdict.unsafe, LogOf(share, verdict.verdict_mass)},
                     {policy.verdict.safe, LogOf(1 - share, verdict.verdict_mass)}};
  if (!verdict.unsafe) std::swap(out.said, out.other);
  return out;
}

Json CompletionUsage(std::span<const Verdict> verdicts, bool with_costs) {
  int64_t prompt = 0, pieces = 0, cached = 0;
  for (const Verdict& verdict : verdicts) {
    prompt += verdict.usage.prompt_tokens;
    cached += verdict.usage.cached_tokens;
    pieces += PiecesOf(verdict);
  }
  Json out = {{"prompt_tokens", prompt}, {"completion_tokens", pieces}, {"total_tokens", prompt + pieces}};
  if (with_costs) out["prompt_tokens_details"] = {{"cached_tokens", cached}};
  return out;
}

Json CompletionEnvelope(const char* id_prefix, const char* object, const std::string& model) {
  return {{"id", id_prefix + RandomHex(32)}, {"object", object}, {"created", Now()}, {"model", model}};
}

Response EventsResponse(std::string events) {
  Response out;
  out.headers.emplace_back("Content-Type", "text/event-stream");
  out.headers.emplace_back("Cache-Control", "no-cache");
  out.body = std::move(events) + EventOf("[DONE]");
  return out;
}

}  // namespace gatehouse::server

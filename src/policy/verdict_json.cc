#include "policy/verdict_json.h"

#include <cmath>

#include "formats/json.h"

namespace gatehouse {
namespace {

// Nine digits tell any two float32 apart. What is no number is as bad as can be.
Json Score(double value) { return JsonWithDigits(std::isfinite(value) ? value : 1.0, 9); }

Json OfUsage(const Usage& usage) {
  return {{"prompt_tokens", usage.prompt_tokens},
          {"cached_tokens", usage.cached_tokens},
          {"image_tokens", usage.image_tokens},
          {"images", usage.images},
          {"frames", usage.frames}};
}

Json OfTimings(const Timings& times) {
  return {{"image", JsonWithDecimals(times.image, 3)},
          {"vision", JsonWithDecimals(times.vision, 3)},
          {"prefill", JsonWithDecimals(times.prefill, 3)},
          {"decode", JsonWithDecimals(times.decode, 3)},
          {"total", JsonWithDecimals(times.total, 3)}};
}

}  // namespace

std::string VerdictToJson(const Verdict& verdict, const std::string& id, bool with_raw) {
  Json out = {{"verdict", verdict.unsafe ? "unsafe" : "safe"},
              {"role", RoleName(verdict.role)},
              {"categories", verdict.categories},
              {"unsafe_score", Score(verdict.unsafe_score)}};
  Json& scores = out["category_scores"] = Json::object();
  for (const auto& [key, score] : verdict.category_scores) scores[key] = Score(score);
  out["output"] = verdict.output;
  if (with_raw) out["raw_output"] = verdict.raw_output;
  out["model"] = verdict.model;
  out["policy"] = verdict.policy;
  out["usage"] = OfUsage(verdict.usage);
  out["timings_ms"] = OfTimings(verdict.timings);
  const std::string line = ShortFigures(JsonLine(out));
  return id.empty() ? line : WithId(id, line);
}

std::string ErrorToJson(const std::string& message, const std::string& id) {
  return WithId(id, JsonLine({{"error", {{"message", message}}}}));
}

}  // namespace gatehouse

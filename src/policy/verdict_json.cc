#include "policy/verdict_json.h"

#include <cmath>

#include "formats/json.h"

namespace gatehouse {
namespace {

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

// Nine digits tell any two float32 apart. What is no number is as bad as can be.
Json ScoreJson(double score) { return JsonWithDigits(std::isfinite(score) ? score : 1.0, 9); }

Json VerdictMembers(const Verdict& verdict, bool with_raw) {
  Json out = {{"verdict", verdict.unsafe ? "unsafe" : "safe"},
              {"role", RoleName(verdict.role)},
              {"categories", verdict.categories},
              {"unsafe_score", ScoreJson(verdict.unsafe_score)}};
  Json& scores = out["category_scores"] = Json::object();
  for (const auto& [key, score] : verdict.category_scores) scores[key] = ScoreJson(score);
  out["output"] = verdict.output;
  if (with_raw) out["raw_output"] = verdict.raw_output;
  if (verdict.windows > 0) {
    out["windows"] = verdict.windows;
    out["dropped_messages"] = verdict.dropped_messages;
  }
  if (verdict.normalised) out["normalized"] = *verdict.normalised;
  out["model"] = verdict.model;
  out["policy"] = verdict.policy;
  return out;
}

void AddCosts(const Verdict& verdict, Json* out) {
  (*out)["usage"] = OfUsage(verdict.usage);
  (*out)["timings_ms"] = OfTimings(verdict.timings);
}

std::string VerdictToJson(const Verdict& verdict, const std::string& id, bool with_raw) {
  Json out = VerdictMembers(verdict, with_raw);
  AddCosts(verdict, &out);
  const std::string line = ShortFigures(JsonLine(out));
  return id.empty() ? line : WithId(id, line);
}

std::string ErrorToJson(const std::string& message, const std::string& id) {
  return WithId(id, JsonLine({{"error", {{"message", message}}}}));
}

}  // namespace gatehouse

#include "policy/verdict_json.h"

#include <cmath>
#include <cstdio>

#include "policy/strict_json.h"

namespace gatehouse {
namespace {

std::string Quote(const std::string& text) {
  return OrderedJson(text).dump(-1, ' ', false, OrderedJson::error_handler_t::replace);
}

std::string Number(double value, int digits) {
  char buffer[40];
  std::snprintf(buffer, sizeof buffer, "%.*g", digits, std::isfinite(value) ? value : 1.0);
  return buffer;
}

std::string Milliseconds(double value) {
  char buffer[40];
  std::snprintf(buffer, sizeof buffer, "%.3f", value);
  return buffer;
}

}  // namespace

std::string VerdictToJson(const Verdict& verdict, const std::string& id, bool with_raw) {
  std::string out = "{";
  if (!id.empty()) out += "\"id\":" + id + ",";
  out += std::string("\"verdict\":\"") + (verdict.unsafe ? "unsafe" : "safe") + "\",\"role\":\"" +
         RoleName(verdict.role) + "\",\"categories\":[";
  for (size_t i = 0; i < verdict.categories.size(); ++i)
    out += (i > 0 ? "," : "") + Quote(verdict.categories[i]);
  out += "],\"unsafe_score\":" + Number(verdict.unsafe_score, 9) + ",\"category_scores\":{";
  for (size_t i = 0; i < verdict.category_scores.size(); ++i) {
    out += (i > 0 ? "," : "") + Quote(verdict.category_scores[i].first) + ":" +
           Number(verdict.category_scores[i].second, 9);
  }
  out += "},\"output\":" + Quote(verdict.output);
  if (with_raw) out += ",\"raw_output\":" + Quote(verdict.raw_output);
  out += ",\"model\":" + Quote(verdict.model) + ",\"policy\":" + Quote(verdict.policy);
  const Usage& usage = verdict.usage;
  out += ",\"usage\":{\"prompt_tokens\":" + std::to_string(usage.prompt_tokens) +
         ",\"cached_tokens\":" + std::to_string(usage.cached_tokens) +
         ",\"image_tokens\":" + std::to_string(usage.image_tokens) +
         ",\"images\":" + std::to_string(usage.images) + ",\"frames\":" + std::to_string(usage.frames) + "}";
  const Timings& times = verdict.timings;
  out += ",\"timings_ms\":{\"image\":" + Milliseconds(times.image) +
         ",\"vision\":" + Milliseconds(times.vision) + ",\"prefill\":" + Milliseconds(times.prefill) +
         ",\"decode\":" + Milliseconds(times.decode) + ",\"total\":" + Milliseconds(times.total) + "}}";
  return out;
}

std::string ErrorToJson(const std::string& message, const std::string& id) {
  return "{\"id\":" + id + ",\"error\":{\"message\":" + Quote(message) + "}}";
}

}  // namespace gatehouse

#include "cli/report.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>

namespace gatehouse::cli {
namespace {

constexpr int kBarWidth = 24;

std::string Bar(double share) {
  const int filled = static_cast<int>(std::lround(std::clamp(share, 0.0, 1.0) * kBarWidth));
  std::string out;
  for (int i = 0; i < kBarWidth; ++i)
    out += i < filled ? "\xE2\x96\x88" : "\xC2\xB7";  // full block, middle dot
  return out;
}

std::string NameOf(const Policy& policy, const std::string& key) {
  for (const Category& category : policy.categories) {
    if (category.key == key) return category.name.empty() ? category.text : category.name;
  }
  return {};
}

}  // namespace

std::string VerdictReport(const Verdict& verdict, const Policy& policy, bool colour) {
  const char* paint = !colour ? "" : verdict.unsafe ? "\033[1;31m" : "\033[1;32m";
  const char* dim = colour ? "\033[2m" : "";
  const char* plain = colour ? "\033[0m" : "";
  const char* whose = RoleName(verdict.role);
  std::string out = fmt::format("{}{}{}  last {} message, unsafe score {:.4f}\n", paint,
                                verdict.unsafe ? "UNSAFE" : "safe", plain, whose, verdict.unsafe_score);
  if (!verdict.categories.empty()) {
    out += "violates:";
    for (const std::string& key : verdict.categories) {
      const std::string name = NameOf(policy, key);
      out += name.empty() ? fmt::format(" {}", key) : fmt::format(" {} ({})", key, name);
    }
    out += '\n';
  }
  size_t key_width = 3, name_width = 0;
  for (const auto& [key, score] : verdict.category_scores) {
    key_width = std::max(key_width, key.size());
    name_width = std::max(name_width, NameOf(policy, key).size());
  }
  for (const auto& [key, score] : verdict.category_scores) {
    const bool listed =
        std::find(verdict.categories.begin(), verdict.categories.end(), key) != verdict.categories.end();
    out += fmt::format("  {}{:<{}}  {:<{}}  {} {:.4f}{}\n", listed ? paint : "", key, key_width,
                       NameOf(policy, key), name_width, Bar(score), score, listed ? plain : "");
  }
  if (!verdict.raw_output.empty()) out += fmt::format("unconstrained answer: {}\n", verdict.raw_output);
  out += fmt::format("{}{} prompt tokens ({} cached), {} images", dim, verdict.usage.prompt_tokens,
                     verdict.usage.cached_tokens, verdict.usage.images);
  if (verdict.usage.frames > 0) out += fmt::format(", {} frames", verdict.usage.frames);
  out += "; ";
  if (verdict.usage.images > 0) {
    out +=
        fmt::format("decoding {:.1f} ms, vision {:.1f} ms, ", verdict.timings.image, verdict.timings.vision);
  }
  out += fmt::format("prefill {:.1f} ms, answer {:.1f} ms, total {:.1f} ms; {} with {}{}\n",
                     verdict.timings.prefill, verdict.timings.decode, verdict.timings.total, verdict.model,
                     verdict.policy, plain);
  return out;
}

}  // namespace gatehouse::cli

#include "server/thirteen_names.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <vector>

#include "policy/verdict_json.h"

namespace gatehouse::server {
namespace {

constexpr std::string_view kViolent = "Violent Crimes", kNonViolent = "Non-Violent Crimes",
                           kSexCrimes = "Sex-Related Crimes", kChildren = "Child Sexual Exploitation",
                           kWeapons = "Indiscriminate Weapons", kHate = "Hate",
                           kSelfHarm = "Suicide & Self-Harm", kSexual = "Sexual Content",
                           kCode = "Code Interpreter Abuse";

struct Mapped {
  const char* name;
  std::array<std::string_view, 4> hazards;  // empty ones are none
};

// In OpenAI's order. Nothing that is judged says anything about those without hazards.
constexpr std::array<Mapped, 13> kNames = {{{"harassment", {}},
                                            {"harassment/threatening", {}},
                                            {"hate", {kHate}},
                                            {"hate/threatening", {}},
                                            {"illicit", {kNonViolent, kSexCrimes, kWeapons, kCode}},
                                            {"illicit/violent", {kViolent, kWeapons}},
                                            {"self-harm", {kSelfHarm}},
                                            {"self-harm/intent", {}},
                                            {"self-harm/instructions", {}},
                                            {"sexual", {kSexual, kChildren}},
                                            {"sexual/minors", {kChildren}},
                                            {"violence", {kViolent}},
                                            {"violence/graphic", {}}}};

bool IsListed(const Verdict& verdict, const std::string& key) {
  return std::find(verdict.categories.begin(), verdict.categories.end(), key) != verdict.categories.end();
}

std::string_view HazardOf(const Policy& policy, const std::string& key) {
  const auto found = std::find_if(policy.categories.begin(), policy.categories.end(),
                                  [&](const Category& category) { return category.key == key; });
  return found == policy.categories.end() ? std::string_view() : std::string_view(found->name);
}

}  // namespace

ModerationMaps MapsOf(const Verdict& verdict, const Policy& policy, bool own_list, const Json& types) {
  ModerationMaps out;
  for (const Mapped& mapped : kNames) {
    bool listed = false, judged = false;
    double score = 0;
    for (const auto& [key, own] : verdict.category_scores) {
      const std::string_view hazard = own_list ? std::string_view() : HazardOf(policy, key);
      if (hazard.empty() ||
          std::find(mapped.hazards.begin(), mapped.hazards.end(), hazard) == mapped.hazards.end())
        continue;
      judged = true;
      listed = listed || IsListed(verdict, key);
      score += own;
    }
    out.categories[mapped.name] = listed;
    out.scores[mapped.name] = ScoreJson(std::min(score, verdict.unsafe_score));
    out.input_types[mapped.name] = judged ? types : Json::array();
  }
  for (const auto& [key, score] : verdict.category_scores) {
    out.categories[key] = IsListed(verdict, key);
    out.scores[key] = ScoreJson(score);
    out.input_types[key] = types;
  }
  return out;
}

}  // namespace gatehouse::server

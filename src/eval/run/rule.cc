#include "eval/run/rule.h"

#include <algorithm>

namespace gatehouse {

Decision Decide(const VerdictRule& rule, const Prediction& prediction) {
  const std::vector<std::string>& said = prediction.verdict_categories;
  const bool unknown = said.size() == 1 && said[0] == "unknown";
  if (rule.recorded || unknown) return {prediction.verdict_unsafe, said};
  std::vector<std::string> over;
  for (const auto& [key, threshold] : rule.category_thresholds) {
    for (const auto& [category, score] : prediction.category_scores) {
      if (category == key && score >= threshold) over.push_back(category);
    }
  }
  Decision out;
  out.unsafe = !over.empty() || (rule.threshold && prediction.unsafe_score >= *rule.threshold);
  if (!out.unsafe) return out;
  out.categories = said;
  if (said.empty() && !prediction.category_scores.empty()) {
    const auto likeliest =
        std::max_element(prediction.category_scores.begin(), prediction.category_scores.end(),
                         [](const auto& a, const auto& b) { return a.second < b.second; });
    out.categories.push_back(likeliest->first);
  }
  for (std::string& key : over) {
    if (std::find(out.categories.begin(), out.categories.end(), key) == out.categories.end())
      out.categories.push_back(std::move(key));
  }
  return out;
}

}  // namespace gatehouse

#include "train/run/augmentation.h"

#include <algorithm>

namespace gatehouse::train {

CategoryList MakeList(const Policy& policy, bool with_images, const AugmentationOptions& options,
                      Random& random) {
  std::vector<Category> categories = policy.categories;
  if (with_images) std::erase_if(categories, [](const Category& one) { return one.text_only; });
  // Every draw happens, so that one share does not change what another one draws.
  const bool drops = random.Share() < options.drops && categories.size() > 1;
  const bool shuffles = random.Share() < options.shuffles;
  const bool describes = random.Share() < options.describes;
  CategoryList out;
  if (drops) {
    const size_t most =
        std::min(static_cast<size_t>(std::max(options.most_dropped, 1)), categories.size() - 1);
    for (size_t left = 1 + random.Below(most); left > 0; --left) {
      const auto gone = categories.begin() + static_cast<std::ptrdiff_t>(random.Below(categories.size()));
      out.dropped.push_back(gone->key);
      categories.erase(gone);
    }
  }
  if (shuffles) random.Shuffle(&categories);
  for (const Category& category : categories) {
    out.keys.push_back(category.key);
    if (!drops && !shuffles && !describes) continue;
    const bool tells = describes && !category.description.empty();
    out.choice.custom.emplace_back(category.key, tells ? category.description : category.text);
  }
  return out;
}

std::optional<WantedVerdict> WantedBy(const CategoryList& list, const EvalRow& row) {
  WantedVerdict out;
  if (!row.unsafe) return out;
  const auto has = [&](const std::vector<std::string>& keys, const std::string& key) {
    return std::find(keys.begin(), keys.end(), key) != keys.end();
  };
  for (const std::string& key : list.keys) {
    if (row.categories_known && has(row.categories, key)) out.keys.push_back(key);
  }
  out.unsafe = true;
  if (!out.keys.empty()) return out;
  const bool left_out =
      row.categories_known && std::any_of(row.categories.begin(), row.categories.end(),
                                          [&](const auto& key) { return has(list.dropped, key); });
  if (left_out) return WantedVerdict{};
  if (!list.dropped.empty()) return std::nullopt;
  out.knows_keys = false;
  return out;
}

}  // namespace gatehouse::train

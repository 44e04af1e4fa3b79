#include "quantise/moments.h"

#include <array>
#include <utility>

namespace gatehouse {

std::string MomentsKey(const std::string& weight) {
  static constexpr std::array<std::pair<const char*, const char*>, 3> kShared = {
      {{"k_proj.weight", "q_proj.weight"},
       {"v_proj.weight", "q_proj.weight"},
       {"up_proj.weight", "gate_proj.weight"}}};
  for (const auto& [name, first] : kShared) {
    const std::string ending = name;
    if (weight.size() < ending.size()) continue;
    const size_t at = weight.size() - ending.size();
    if (weight.compare(at, ending.size(), ending) == 0) return weight.substr(0, at) + first;
  }
  return weight;
}

}  // namespace gatehouse

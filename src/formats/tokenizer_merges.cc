#include "formats/tokenizer_merges.h"

#include <string_view>

#include "base/error.h"

namespace gatehouse {
namespace {

// Every way to put a token together from two others, ranked by the token's id.
void WriteOutRanks(const TokenMap& map, TokenizerData* data) {
  data->rank_is_id = true;
  for (size_t id = 0; id < data->tokens.size(); ++id) {
    const std::string_view token = data->tokens[id];
    for (size_t cut = 1; cut < token.size(); ++cut) {
      const int32_t left = map.Find(token.substr(0, cut));
      if (left < 0) continue;
      const int32_t right = map.Find(token.substr(cut));
      if (right < 0) continue;
      data->merges.emplace_back(left, right);
      data->merged.push_back(static_cast<int32_t>(id));
    }
  }
}

}  // namespace

Result<void> CompleteMerges(const TokenMap& map, TokenizerData* data) {
  const auto& tokens = data->tokens;
  if (data->merges.empty()) {
    // Ranks that are ids leave no room for two ids of the same bytes.
    if (map.doubled() >= 0) {
      return ModelError("two tokens of the same bytes", "tokenizer, token " + std::to_string(map.doubled()));
    }
    WriteOutRanks(map, data);
    return {};
  }
  const bool known = !data->merged.empty();
  if (known && data->merged.size() != data->merges.size()) {
    return ModelError("merges and their results differ in number", "tokenizer",
                      std::to_string(data->merges.size()), std::to_string(data->merged.size()));
  }
  data->merged.resize(data->merges.size());
  std::string both;
  for (size_t rank = 0; rank < data->merges.size(); ++rank) {
    const auto [left, right] = data->merges[rank];
    const auto usable = [&tokens](int32_t id) {
      return id >= 0 && static_cast<size_t>(id) < tokens.size() && !tokens[id].empty();
    };
    if (!usable(left) || !usable(right)) {
      return ModelError("merge of an unknown token", "tokenizer, merge " + std::to_string(rank));
    }
    if (known) {
      const int32_t result = data->merged[rank];
      const std::string& head = tokens[left];
      const std::string& tail = tokens[right];
      if (!usable(result) || tokens[result].size() != head.size() + tail.size() ||
          tokens[result].compare(0, head.size(), head) != 0 || !tokens[result].ends_with(tail)) {
        return ModelError("merge into another token", "tokenizer, merge " + std::to_string(rank));
      }
      continue;
    }
    both.assign(tokens[left]).append(tokens[right]);
    data->merged[rank] = map.Find(both);
    if (data->merged[rank] < 0) {
      return ModelError("merge into an unknown token", "tokenizer, merge " + std::to_string(rank));
    }
  }
  return {};
}

}  // namespace gatehouse

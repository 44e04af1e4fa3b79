#include "engine/batch_rows.h"

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

namespace gatehouse {

void AppendTokens(const TokenInput& input, std::span<const Mat> pictures, int32_t begin, int32_t count,
                  int32_t sequence, Batch* batch) {
  const size_t before = batch->embeddings.size();
  std::vector<int32_t> ends;  // of each picture's rows in the count through all
  int32_t rows = 0;
  for (const Mat& picture : pictures) ends.push_back(rows += static_cast<int32_t>(picture.rows));
  batch->embeddings.insert(batch->embeddings.end(), pictures.begin(), pictures.end());
  for (int32_t i = 0; i < count; ++i) {
    const size_t at = static_cast<size_t>(begin + i);
    BatchRow row{.token = input.ids[at],
                 .position = begin + i,
                 .sequence = sequence,
                 .parent = i == 0 ? -1 : static_cast<int32_t>(batch->rows.size()) - 1};
    const int32_t embedding = input.embedding_rows.empty() ? -1 : input.embedding_rows[at];
    if (embedding >= 0) {
      // One behind the last is of no picture: the decoder refuses it.
      const auto of =
          static_cast<size_t>(std::upper_bound(ends.begin(), ends.end(), embedding) - ends.begin());
      row.picture = static_cast<int32_t>(before + of);
      row.embedding = embedding - (of == 0 ? 0 : ends[of - 1]);
    }
    batch->rows.push_back(row);
  }
}

void AppendTree(std::span<const Question> questions, int32_t sequence, int32_t root, int32_t first_position,
                Batch* batch) {
  std::map<std::pair<int32_t, int32_t>, int32_t> children;  // (parent row, token) -> row
  for (const Question& question : questions) {
    int32_t at = root;
    int32_t position = first_position;
    for (const int32_t token : question.path) {
      const auto [entry, is_new] =
          children.try_emplace({at, token}, static_cast<int32_t>(batch->rows.size()));
      if (is_new)
        batch->rows.push_back({.token = token, .position = position, .sequence = sequence, .parent = at});
      at = entry->second;
      ++position;
    }
    batch->questions.push_back({at, question.ids, question.whole});
  }
}

int32_t TreeRows(std::span<const Question> questions) {
  int32_t rows = 0;
  for (const Question& question : questions) rows += static_cast<int32_t>(question.path.size());
  return rows;
}

}  // namespace gatehouse

#include "engine/batch_rows.h"

#include <map>
#include <utility>

namespace gatehouse {

void AppendTokens(const TokenInput& input, const Mat& embeddings, int32_t begin, int32_t count,
                  int32_t sequence, Batch* batch) {
  const auto picture = static_cast<int32_t>(batch->embeddings.size());
  if (embeddings.rows > 0) batch->embeddings.push_back(embeddings);
  for (int32_t i = 0; i < count; ++i) {
    const size_t at = static_cast<size_t>(begin + i);
    const int32_t embedding = input.embedding_rows.empty() ? -1 : input.embedding_rows[at];
    batch->rows.push_back({.token = input.ids[at],
                           .embedding = embedding,
                           .position = begin + i,
                           .sequence = sequence,
                           .parent = i == 0 ? -1 : static_cast<int32_t>(batch->rows.size()) - 1,
                           .picture = embedding < 0 ? 0 : picture});
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

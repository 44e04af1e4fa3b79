// How texts and trees of continuations become rows of a batch (model/batch.h).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/token_input.h"
#include "model/batch.h"

namespace gatehouse {

// Adds count tokens of a text, from `begin` on, to a batch as a chain behind what is cached, and its
// pictures' vectors: a matrix each, whose rows input.embedding_rows counts through all of them.
void AppendTokens(const TokenInput& input, std::span<const Mat> pictures, int32_t begin, int32_t count,
                  int32_t sequence, Batch* batch);

// Adds the questions and their paths, these as a tree whose root is row `root` (-1: the cached end), one row
// for each distinct beginning of a path.
void AppendTree(std::span<const Question> questions, int32_t sequence, int32_t root, int32_t first_position,
                Batch* batch);

// At least as many rows as AppendTree adds.
int32_t TreeRows(std::span<const Question> questions);

}  // namespace gatehouse

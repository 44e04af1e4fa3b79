// How texts and trees of continuations become rows of a batch (model/batch.h).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/token_input.h"
#include "model/batch.h"

namespace gatehouse {

// Adds count tokens of a text, from `begin` on, to a batch as a chain behind what is cached.
void AppendTokens(const TokenInput& input, int32_t begin, int32_t count, int32_t sequence, Batch* batch);

// Adds the paths as a tree whose root is row `root` (-1: the cached end), one row for each distinct prefix.
// Returns the batch row of each path; the root for an empty one.
std::vector<int32_t> AppendTree(std::span<const TokenPath> paths, int32_t sequence, int32_t root,
                                int32_t first_position, Batch* batch);

// At least as many as AppendTree adds.
int32_t TreeRows(std::span<const TokenPath> paths);

}  // namespace gatehouse

// TokenInput: a whole text as the network reads it.
#pragma once

#include <cstdint>
#include <vector>

#include "backend/backend.h"
#include "tensor/next_token.h"

namespace gatehouse {

struct TokenInput {
  std::vector<int32_t> ids;
  std::vector<int32_t>
      embedding_rows;  // per id: row of `embeddings` in place of the token's own, or -1; may be empty
  Mat embeddings = {};
  // Per id: what stands at an image's rows, as a number that only the same rows of the same pixels have; 0
  // for text. Empty where there are no images. The prefix cache tells images apart by it.
  std::vector<uint64_t> image_marks = {};
};

}  // namespace gatehouse

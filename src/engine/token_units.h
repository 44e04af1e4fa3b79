// What tells the tokens of two texts apart: an id, or a row of a picture.
#pragma once

#include <cstdint>
#include <tuple>
#include <vector>

#include "engine/token_input.h"

namespace gatehouse {

struct TokenUnit {
  int64_t value = 0;  // the id, or the row's number within its picture
  bool of_picture = false;
  PictureDigest digest = {};
  bool operator==(const TokenUnit&) const = default;
  bool operator<(const TokenUnit& other) const {
    return std::tie(value, of_picture, digest) < std::tie(other.value, other.of_picture, other.digest);
  }
};
using TokenUnits = std::vector<TokenUnit>;

// Of tokens begin .. end - 1; fewer where a row belongs to no picture.
TokenUnits UnitsOf(const TokenInput& input, int32_t begin, int32_t end);

// Leading tokens that two texts have in common.
int32_t CommonTokens(const TokenUnits& a, const TokenUnits& b);

}  // namespace gatehouse

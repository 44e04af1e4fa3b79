// What a request will cost in tokens, before anybody has looked at it.
#pragma once

#include <cstdint>

#include "gatehouse/conversation.h"

namespace gatehouse {

// Of any.
inline constexpr int64_t kLeastEstimatedCost = 64;

int64_t EstimatedCost(const Conversation& conversation);

}  // namespace gatehouse

#include "guard/estimated_cost.h"

namespace gatehouse {

// Admission must not cost what it saves.
int64_t EstimatedCost(const Conversation& conversation) {
  constexpr int64_t kBytesOfToken = 4;
  constexpr int64_t kImage = 5 * 720;  // most pictures: five tiles
  int64_t cost = kLeastEstimatedCost;  // what the policy puts behind a message, and the questions
  if (conversation.raw) cost += static_cast<int64_t>(conversation.raw->text.size()) / kBytesOfToken;
  for (const Message& message : conversation.messages) {
    for (const Part& part : message.parts)
      cost +=
          part.kind == Part::Kind::kImage ? kImage : static_cast<int64_t>(part.text.size()) / kBytesOfToken;
  }
  return cost;
}

}  // namespace gatehouse

// The policies that a model without a policy.json gets by its family: models/policies/, compiled in.
#pragma once

namespace gatehouse {

extern const char* const kMlcommonsS14Policy;
extern const char* const kLlamaGuard3Policy;

}  // namespace gatehouse

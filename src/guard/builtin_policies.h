// The policies that a model without a policy.json gets: models/policies/, compiled in.
#pragma once

namespace gatehouse {

extern const char* const kMlcommonsS14Policy;
extern const char* const kLlamaGuard2Policy;
extern const char* const kLlamaGuard3With1BPolicy;
extern const char* const kLlamaGuard3With8BPolicy;

}  // namespace gatehouse

// Loading a guard: weights, tokenizer and policy found in a directory or a file.
#pragma once

#include <memory>

#include "guard/guard_impl.h"

namespace gatehouse {

Result<std::unique_ptr<Guard::Impl>> LoadGuard(const GuardOptions& options);

// options.policy, else policy.json of the adapter or the model, else by the model's family. Errors: kModel.
Result<Policy> PolicyFor(const GuardOptions& options, const ModelConfig& config, const Tokenizer& tokenizer);

}  // namespace gatehouse

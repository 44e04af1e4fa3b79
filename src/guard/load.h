// Loading a guard: weights, tokenizer and policy found in a directory or a file.
#pragma once

#include <memory>

#include "checkpoint/weights.h"
#include "guard/guard_impl.h"

namespace gatehouse {

Result<std::unique_ptr<Guard::Impl>> LoadGuard(const GuardOptions& options);

// options.policy, else policy.json of the adapter, the model or its base, else that of the Llama Guard whose
// chat template the files hold; without a template, by the model's family and size. Errors: kModel: a
// template of another model, or a model of which nothing is known.
Result<Policy> PolicyFor(const GuardOptions& options, const Checkpoint& checkpoint,
                         const Tokenizer& tokenizer);

}  // namespace gatehouse

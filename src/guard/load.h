// Loading a guard: weights, tokenizer and policy found in a directory or a file.
#pragma once

#include <memory>

#include "checkpoint/weights.h"
#include "guard/guard_impl.h"

namespace gatehouse {

Result<std::unique_ptr<Guard::Impl>> LoadGuard(const GuardOptions& options);

// The rest of it, for a network that is there: engine, policy and threads. impl has its options and
// tokenizer.
Result<void> StartEngine(std::unique_ptr<Backend> backend, std::unique_ptr<Decoder> decoder,
                         std::unique_ptr<VisionEncoder> vision, Policy policy, Guard::Impl* impl);

// options.policy, else policy.json of the adapter, the model or its base, else that of the Llama Guard whose
// chat template the files hold; without a template, by the model's family and size. Errors: kModel: a
// template of another model, or a model of which nothing is known.
Result<Policy> PolicyFor(const GuardOptions& options, const Checkpoint& checkpoint,
                         const Tokenizer& tokenizer);

}  // namespace gatehouse

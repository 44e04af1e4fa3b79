// Loading a guard: weights, tokenizer and policy found in a directory or a file.
#pragma once

#include <memory>

#include "guard/guard_impl.h"

namespace gatehouse {

Result<std::unique_ptr<Guard::Impl>> LoadGuard(const GuardOptions& options);

}  // namespace gatehouse

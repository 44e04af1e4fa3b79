// The CPU backend: kernels of one instruction set, run by one thread pool. Made by CreateBackend
// (backend/create.h), which alone includes this.
#pragma once

#include <memory>

#include "backend/backend.h"
#include "backend/create.h"

namespace gatehouse {

Result<std::unique_ptr<Backend>> CreateCpuBackend(const BackendOptions& options);

}  // namespace gatehouse

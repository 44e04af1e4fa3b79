// GuardedBackend: a device as unlike the host as one process allows. Its memory has no permissions outside
// its own work, so that whoever looks at it from the host ends there and then; and its operations are
// enqueued, and run when somebody waits. It computes slowly, by reference_ops.h. A decoder that runs on it
// holds no host pointer to device data and counts on nothing having happened before it was waited for.
#pragma once

#include <cstddef>
#include <memory>

#include "backend/backend.h"

namespace gatehouse::test {

// bytes: of all memory that the device has. runs_ahead: PassLimits'.
std::unique_ptr<Backend> MakeGuardedBackend(size_t bytes = size_t{1} << 30, bool runs_ahead = false);

// Where the matrix lies: what the host must not read.
const float* AddressOf(const Mat& mat);

}  // namespace gatehouse::test

// CreateCpuOperations: training's operations on the CPU, over the kernels that the forward pass uses.
#pragma once

#include <memory>

#include "train/operations.h"

namespace gatehouse::train {

struct CpuOptions {
  int threads = 0;  // 0: one for each core that this process may use
  bool f32 = true;  // products with frozen weights in float32, else in BF16 where the processor has them
};

// Errors: kUsage: too many threads, GATEHOUSE_ISA names what this machine lacks; kInternal: no threads to be
// had.
Result<std::unique_ptr<Operations>> CreateCpuOperations(const CpuOptions& options);

}  // namespace gatehouse::train

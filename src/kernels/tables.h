// All tables of this binary, the one place that knows which processor runs which.
#pragma once

#include <vector>

#include "base/cpu.h"
#include "kernels/linear.h"
#include "kernels/quant.h"

namespace gatehouse {

// The tables that a processor with `isa` runs, the portable ones first, the fastest last. Dot products of
// 8-bit integers are asked of this processor besides.
std::vector<const QuantKernel*> QuantTables(QuantFormat format, Isa isa);

// The fastest for products in `compute`: float32 always exists; null where bfloat16 has no instructions.
const LinearKernel* BestLinear(ComputeType compute, Isa isa);

}  // namespace gatehouse

// All tables of this binary, the one place that knows which processor runs which.
#pragma once

#include <vector>

#include "base/cpu.h"
#include "kernels/linear/linear.h"
#include "kernels/quant/quant.h"
#include "kernels/vector/back.h"
#include "kernels/vector/vector.h"

namespace gatehouse {

// The tables that a processor with `isa` runs, the portable ones first, the fastest last. For x86 sets, dot
// products of 8-bit integers are asked of this processor besides.
std::vector<const LinearKernel*> LinearTables(Isa isa);
std::vector<const VectorKernel*> VectorTables(Isa isa);
std::vector<const BackKernel*> BackTables(Isa isa);
std::vector<const QuantKernel*> QuantTables(QuantFormat format, Isa isa);

// The fastest for products in `compute`: float32 always exists; null where bfloat16 has no instructions.
const LinearKernel* BestLinear(ComputeType compute, Isa isa);

}  // namespace gatehouse

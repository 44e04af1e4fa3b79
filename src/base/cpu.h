// What the processor offers, and the instruction set that the kernels use.
#pragma once

#include <string>

#include "gatehouse/result.h"

namespace gatehouse {

enum class Isa { kRef, kAvx2, kAvx512, kAvx512Bf16 };

const char* IsaName(Isa isa);  // "ref", "avx2", "avx512", "avx512-bf16"

// The best instruction set of this processor (and operating system).
Isa DetectIsa();

// The one to use: GATEHOUSE_ISA if set (error kUsage if unknown or not supported here), else DetectIsa().
Result<Isa> ChooseIsa();

// Dot products of 8-bit integers, beside the sets above: with 512-bit vectors, and in the form for 256-bit
// ones.
bool HasAvx512Vnni();
bool HasAvxVnni();

std::string CpuModelName();  // as /proc/cpuinfo has it, or "unknown"

}  // namespace gatehouse

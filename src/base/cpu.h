// What the processor offers, and the instruction set that the kernels use.
#pragma once

#include <string>

#include "gatehouse/result.h"

namespace gatehouse {

// Two ladders over one ground: each rung of x86 and each of ARM includes the rungs below it of its own kind.
enum class Isa {
  kRef,
  kAvx2,
  kAvx512,
  kAvx512Bf16,
  kNeon,
  kNeonDotprod,  // dot products of 8-bit integers
  kNeonI8mm,     // products of small matrices of 8-bit integers
  kNeonBf16,
};

// "ref", "avx2", "avx512", "avx512-bf16", "neon", "neon-dotprod", "neon-i8mm", "neon-bf16"
const char* IsaName(Isa isa);

// Does a processor with `isa` run code for `part`?
bool Includes(Isa isa, Isa part);

// The best instruction set of this processor (and operating system).
Isa DetectIsa();

// The one to use: GATEHOUSE_ISA if set (error kUsage if unknown or not supported here), else DetectIsa().
Result<Isa> ChooseIsa();

// Dot products of 8-bit integers on x86, beside the sets above: with 512-bit vectors, and in the form for
// 256-bit ones.
bool HasAvx512Vnni();
bool HasAvxVnni();

// As /proc/cpuinfo has it, or "unknown"; on ARM, which has numbers there: "implementer 0x41 part 0xd0c".
std::string CpuModelName();

}  // namespace gatehouse

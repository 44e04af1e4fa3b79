#include "base/cpu.h"

#if defined(__x86_64__)
#include <cpuid.h>
#endif

#include <cstdlib>
#include <fstream>

#include "base/error.h"

namespace gatehouse {

const char* IsaName(Isa isa) {
  switch (isa) {
    case Isa::kRef:
      return "ref";
    case Isa::kAvx2:
      return "avx2";
    case Isa::kAvx512:
      return "avx512";
    case Isa::kAvx512Bf16:
      return "avx512-bf16";
  }
  return "?";
}

Isa DetectIsa() {
#if defined(__x86_64__)
  __builtin_cpu_init();
  const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  const bool avx512 = avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                      __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq");
  if (avx512 && __builtin_cpu_supports("avx512bf16")) return Isa::kAvx512Bf16;
  if (avx512) return Isa::kAvx512;
  if (avx2) return Isa::kAvx2;
#endif
  return Isa::kRef;
}

bool HasAvx512Vnni() {
#if defined(__x86_64__)
  __builtin_cpu_init();
  return DetectIsa() >= Isa::kAvx512 && __builtin_cpu_supports("avx512vnni");
#else
  return false;
#endif
}

bool HasAvxVnni() {
#if defined(__x86_64__)
  // Leaf 7, subleaf 1, bit 4 of EAX; compilers' own names for it came late.
  unsigned a = 0, b = 0, c = 0, d = 0;
  return DetectIsa() >= Isa::kAvx2 && __get_cpuid_count(7, 1, &a, &b, &c, &d) != 0 && (a >> 4 & 1) != 0;
#else
  return false;
#endif
}

Result<Isa> ChooseIsa() {
  const Isa best = DetectIsa();
  const char* forced = std::getenv("GATEHOUSE_ISA");
  if (forced == nullptr || *forced == '\0') return best;
  for (Isa isa : {Isa::kRef, Isa::kAvx2, Isa::kAvx512, Isa::kAvx512Bf16}) {
    if (std::string(forced) != IsaName(isa)) continue;
    if (isa > best)
      return UsageError("instruction set not supported", "GATEHOUSE_ISA", IsaName(best), forced);
    return isa;
  }
  return UsageError("unknown instruction set", "GATEHOUSE_ISA", "ref, avx2, avx512 or avx512-bf16", forced);
}

std::string CpuModelName() {
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; std::getline(info, line);) {
    if (line.rfind("model name", 0) == 0 && line.find(": ") != std::string::npos)
      return line.substr(line.find(": ") + 2);
  }
  return "unknown";
}

}  // namespace gatehouse

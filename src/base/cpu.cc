#include "base/cpu.h"

#if defined(__x86_64__)
#include <cpuid.h>
#elif defined(__aarch64__) && defined(__linux__)
#include <asm/hwcap.h>
#include <sys/auxv.h>
#endif

#include <cstdlib>
#include <fstream>

#include "base/error.h"

namespace gatehouse {
namespace {

constexpr Isa kAllIsas[] = {Isa::kRef,  Isa::kAvx2,        Isa::kAvx512,   Isa::kAvx512Bf16,
                            Isa::kNeon, Isa::kNeonDotprod, Isa::kNeonI8mm, Isa::kNeonBf16};

}  // namespace

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
    case Isa::kNeon:
      return "neon";
    case Isa::kNeonDotprod:
      return "neon-dotprod";
    case Isa::kNeonI8mm:
      return "neon-i8mm";
    case Isa::kNeonBf16:
      return "neon-bf16";
  }
  return "?";
}

bool Includes(Isa isa, Isa part) {
  if (part == Isa::kRef) return true;
  return isa >= part && (isa >= Isa::kNeon) == (part >= Isa::kNeon);
}

Isa DetectIsa() {
#if defined(__x86_64__)
  __builtin_cpu_init();
  const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  const bool avx512 = avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                      __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq");
  if (avx512 && __builtin_cpu_supports("avx512bf16")) return Isa::kAvx512Bf16;
  if (avx512) return Isa::kAvx512;
  return avx2 ? Isa::kAvx2 : Isa::kRef;
#elif defined(__aarch64__)
#if defined(__linux__)
  const unsigned long first = getauxval(AT_HWCAP), second = getauxval(AT_HWCAP2);
  const bool dotprod = (first & HWCAP_ASIMDDP) != 0;
  const bool i8mm = dotprod && (second & HWCAP2_I8MM) != 0;
  if (i8mm && (second & HWCAP2_BF16) != 0) return Isa::kNeonBf16;
  if (i8mm) return Isa::kNeonI8mm;
  if (dotprod) return Isa::kNeonDotprod;
#endif
  return Isa::kNeon;  // every 64-bit ARM processor
#else
  return Isa::kRef;
#endif
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
  std::string names;
  for (const Isa isa : kAllIsas) {
    if (std::string(forced) == IsaName(isa)) {
      if (Includes(best, isa)) return isa;
      return UsageError("instruction set not supported", "GATEHOUSE_ISA", IsaName(best), forced);
    }
    if (Includes(best, isa)) names += (names.empty() ? "" : ", ") + std::string(IsaName(isa));
  }
  return UsageError("unknown instruction set", "GATEHOUSE_ISA", "one of " + names, forced);
}

std::string CpuModelName() {
  std::ifstream info("/proc/cpuinfo");
  std::string implementer;
  for (std::string line; std::getline(info, line);) {
    const size_t colon = line.find(": ");
    if (colon == std::string::npos) continue;
    if (line.rfind("model name", 0) == 0) return line.substr(colon + 2);
    if (line.rfind("CPU implementer", 0) == 0) implementer = line.substr(colon + 2);
    if (line.rfind("CPU part", 0) == 0)
      return "implementer " + implementer + " part " + line.substr(colon + 2);
  }
  return "unknown";
}

}  // namespace gatehouse

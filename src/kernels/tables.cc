#include "kernels/tables.h"

#include <algorithm>

namespace gatehouse {

std::vector<const QuantKernel*> QuantTables(QuantFormat format, Isa isa) {
  std::vector<const QuantKernel*> out = {RefQuant(format)};
#if defined(__x86_64__)
  if (isa >= Isa::kAvx2) out.push_back(Avx2Quant(format));
  if (isa >= Isa::kAvx2 && HasAvxVnni()) out.push_back(Avx2VnniQuant(format));
  if (isa >= Isa::kAvx512 && HasAvx512Vnni()) out.push_back(Avx512VnniQuant(format));
#endif
  out.erase(std::remove(out.begin(), out.end(), nullptr), out.end());
  return out;
}

const LinearKernel* BestLinear(ComputeType compute, Isa isa) {
  if (compute == ComputeType::kBF16) return isa >= Isa::kAvx512Bf16 ? Avx512Bf16Linear() : nullptr;
  const LinearKernel* best = RefLinearF32();
  if (isa >= Isa::kAvx2 && Avx2LinearF32() != nullptr) best = Avx2LinearF32();
  if (isa >= Isa::kAvx512 && Avx512LinearF32() != nullptr) best = Avx512LinearF32();
  return best;
}

}  // namespace gatehouse

#include "kernels/tables.h"

namespace gatehouse {
namespace {

template <typename Kernel>
struct Entry {
  const Kernel* kernel;  // null where this build lacks it
  Isa needs;
  bool present = true;  // what the ladder of instruction sets does not say
};

template <typename Kernel>
std::vector<const Kernel*> Usable(std::initializer_list<Entry<Kernel>> entries, Isa isa) {
  std::vector<const Kernel*> out;
  for (const Entry<Kernel>& entry : entries) {
    if (entry.kernel != nullptr && entry.present && Includes(isa, entry.needs)) out.push_back(entry.kernel);
  }
  return out;
}

}  // namespace

std::vector<const LinearKernel*> LinearTables(Isa isa) {
  return Usable<LinearKernel>(
      {
        {RefLinearBf16(), Isa::kRef}, {RefLinearF32(), Isa::kRef},
#if defined(__x86_64__)
            {Avx2LinearF32(), Isa::kAvx2}, {Avx512LinearF32(), Isa::kAvx512},
            {Avx512Bf16Linear(), Isa::kAvx512Bf16},
#elif defined(__aarch64__)
            {NeonLinearF32(), Isa::kNeon}, {NeonBf16Linear(), Isa::kNeonBf16},
#endif
      },
      isa);
}

std::vector<const VectorKernel*> VectorTables(Isa isa) {
  return Usable<VectorKernel>(
      {
        {RefVector(), Isa::kRef},
#if defined(__x86_64__)
            {Avx2Vector(), Isa::kAvx2}, {Avx512Vector(), Isa::kAvx512},
            {Avx512Bf16Vector(), Isa::kAvx512Bf16},
#elif defined(__aarch64__)
            {NeonVector(), Isa::kNeon},
#endif
      },
      isa);
}

std::vector<const QuantKernel*> QuantTables(QuantFormat format, Isa isa) {
  return Usable<QuantKernel>(
      {
        {RefQuant(format), Isa::kRef},
#if defined(__x86_64__)
            {Avx2Quant(format), Isa::kAvx2}, {Avx2VnniQuant(format), Isa::kAvx2, HasAvxVnni()},
            {Avx512VnniQuant(format), Isa::kAvx512, HasAvx512Vnni()},
#elif defined(__aarch64__)
            {NeonQuant(format), Isa::kNeon}, {NeonDotprodQuant(format), Isa::kNeonDotprod},
            {NeonI8mmQuant(format), Isa::kNeonI8mm},
#endif
      },
      isa);
}

const LinearKernel* BestLinear(ComputeType compute, Isa isa) {
  const LinearKernel* best = nullptr;
  for (const LinearKernel* table : LinearTables(isa)) {
    // The portable bfloat16 table is a definition, slower than float32.
    if (table->compute == compute && table != RefLinearBf16()) best = table;
  }
  return best;
}

}  // namespace gatehouse

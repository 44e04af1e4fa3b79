#include "kernels/tables.h"

namespace gatehouse {
namespace {

template <typename Kernel>
struct Entry {
  const Kernel* kernel;
  Isa needs;
  bool present = true;  // what the ladder of instruction sets does not say
};

template <typename Kernel>
std::vector<const Kernel*> Usable(std::initializer_list<Entry<Kernel>> entries, Isa isa) {
  std::vector<const Kernel*> out;
  for (const Entry<Kernel>& entry : entries) {
    if (entry.present && Includes(isa, entry.needs)) out.push_back(entry.kernel);
  }
  return out;
}

#if defined(__x86_64__)
// Avx512's table with attention in pairs. Put together here: this file is compiled for every processor, and
// copying a table is code, which in a file of its own instruction set would be of that set, too.
const VectorKernel& Avx512Bf16Vector() {
  static const VectorKernel table = [] {
    VectorKernel kernel = kAvx512Vector;
    kernel.name = "avx512-bf16";
    kernel.attend_pairs = kAvx512Bf16AttendPairs;
    return kernel;
  }();
  return table;
}
#endif

}  // namespace

std::vector<const LinearKernel*> LinearTables(Isa isa) {
  return Usable<LinearKernel>(
      {
        {&kRefLinearBf16, Isa::kRef}, {&kRefLinearF32, Isa::kRef},
#if defined(__x86_64__)
            {&kAvx2LinearF32, Isa::kAvx2}, {&kAvx512LinearF32, Isa::kAvx512},
            {&kAvx512LinearBf16, Isa::kAvx512Bf16},
#elif defined(__aarch64__)
            {&kNeonLinearF32, Isa::kNeon}, {&kNeonLinearBf16, Isa::kNeonBf16},
#endif
      },
      isa);
}

std::vector<const VectorKernel*> VectorTables(Isa isa) {
  return Usable<VectorKernel>(
      {
        {&kRefVector, Isa::kRef},
#if defined(__x86_64__)
            {&kAvx2Vector, Isa::kAvx2}, {&kAvx512Vector, Isa::kAvx512},
            {&Avx512Bf16Vector(), Isa::kAvx512Bf16},
#elif defined(__aarch64__)
            {&kNeonVector, Isa::kNeon},
#endif
      },
      isa);
}

std::vector<const BackKernel*> BackTables(Isa isa) {
  return Usable<BackKernel>(
      {
        {&kRefBack, Isa::kRef},
#if defined(__x86_64__)
            {&kAvx2Back, Isa::kAvx2}, {&kAvx512Back, Isa::kAvx512},
#elif defined(__aarch64__)
            {&kNeonBack, Isa::kNeon},
#endif
      },
      isa);
}

std::vector<const QuantKernel*> QuantTables(QuantFormat format, Isa isa) {
  const bool q8 = format == QuantFormat::kQ8;
  return Usable<QuantKernel>(
      {
        {q8 ? &kRefQ8 : &kRefQ4, Isa::kRef},
#if defined(__x86_64__)
            {q8 ? &kAvx2Q8 : &kAvx2Q4, Isa::kAvx2},
            {q8 ? &kAvx2VnniQ8 : &kAvx2VnniQ4, Isa::kAvx2, HasAvxVnni()},
            {q8 ? &kAvx512VnniQ8 : &kAvx512VnniQ4, Isa::kAvx512, HasAvx512Vnni()},
#elif defined(__aarch64__)
            {q8 ? &kNeonQ8 : &kNeonQ4, Isa::kNeon},
            {q8 ? &kNeonDotprodQ8 : &kNeonDotprodQ4, Isa::kNeonDotprod},
            {q8 ? &kNeonI8mmQ8 : &kNeonI8mmQ4, Isa::kNeonI8mm},
#endif
      },
      isa);
}

const LinearKernel* BestLinear(ComputeType compute, Isa isa) {
  const LinearKernel* best = nullptr;
  for (const LinearKernel* table : LinearTables(isa)) {
    // The portable bfloat16 table is a definition, slower than float32.
    if (table->compute == compute && table != &kRefLinearBf16) best = table;
  }
  return best;
}

}  // namespace gatehouse

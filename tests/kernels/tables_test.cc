// Which tables a processor gets: ladders of instruction sets, and what this processor was found to have.
#include "kernels/tables.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <set>
#include <string>

namespace gatehouse {
namespace {

constexpr Isa kX86[] = {Isa::kAvx2, Isa::kAvx512, Isa::kAvx512Bf16};
constexpr Isa kArm[] = {Isa::kNeon, Isa::kNeonDotprod, Isa::kNeonI8mm, Isa::kNeonBf16};

template <typename Kernel>
std::set<std::string> Names(const std::vector<const Kernel*>& tables) {
  std::set<std::string> out;
  for (const Kernel* table : tables) EXPECT_TRUE(out.insert(table->name).second) << table->name << " twice";
  return out;
}

std::set<std::string> AllNames(Isa isa) {
  std::set<std::string> out = Names(LinearTables(isa));
  // The names of vector tables have no "/": they meet no others.
  out.merge(Names(VectorTables(isa)));
  out.merge(Names(BackTables(isa)));
  out.merge(Names(QuantTables(QuantFormat::kQ8, isa)));
  out.merge(Names(QuantTables(QuantFormat::kQ4, isa)));
  return out;
}

TEST(KernelTables, EachKindOfProcessorIsALadderOfItsOwn) {
  for (const Isa x86 : kX86) {
    EXPECT_TRUE(Includes(x86, Isa::kRef));
    EXPECT_FALSE(Includes(Isa::kRef, x86));
    for (const Isa arm : kArm) {
      EXPECT_FALSE(Includes(x86, arm)) << IsaName(x86) << " " << IsaName(arm);
      EXPECT_FALSE(Includes(arm, x86)) << IsaName(arm) << " " << IsaName(x86);
    }
  }
  for (size_t i = 0; i < std::size(kX86); ++i) {
    for (size_t j = 0; j < std::size(kX86); ++j) EXPECT_EQ(Includes(kX86[i], kX86[j]), i >= j);
  }
  for (size_t i = 0; i < std::size(kArm); ++i) {
    for (size_t j = 0; j < std::size(kArm); ++j) EXPECT_EQ(Includes(kArm[i], kArm[j]), i >= j);
  }
}

TEST(KernelTables, RefGetsThePortableOnesAlone) {
  EXPECT_EQ(AllNames(Isa::kRef), (std::set<std::string>{"ref", "ref/f32", "ref/bf16", "ref/q8", "ref/q4"}));
  EXPECT_EQ(BestLinear(ComputeType::kF32, Isa::kRef), &kRefLinearF32);
  EXPECT_EQ(BestLinear(ComputeType::kBF16, Isa::kRef), nullptr);
}

TEST(KernelTables, HigherRungsKeepTheTablesOfLowerOnes) {
  const Isa best = DetectIsa();
  for (const Isa isa : {kX86[0], kX86[1], kX86[2], kArm[0], kArm[1], kArm[2], kArm[3]}) {
    if (!Includes(best, isa)) continue;
    const std::set<std::string> all = AllNames(best);
    for (const std::string& name : AllNames(isa)) EXPECT_EQ(all.count(name), 1u) << name;
    // The fastest table is this rung's or a lower one's, never a portable one.
    for (const QuantFormat format : {QuantFormat::kQ8, QuantFormat::kQ4})
      EXPECT_NE(QuantTables(format, isa).back(), QuantTables(format, Isa::kRef).back()) << IsaName(isa);
    EXPECT_NE(VectorTables(isa).back(), &kRefVector) << IsaName(isa);
    EXPECT_NE(BestLinear(ComputeType::kF32, isa), &kRefLinearF32) << IsaName(isa);
  }
}

// For scripts that know the processor, real or emulated: GATEHOUSE_EXPECT_ISA names its instruction set.
TEST(KernelTables, TheProcessorIsFoundToBeWhatItIs) {
  const char* expected = std::getenv("GATEHOUSE_EXPECT_ISA");
  if (expected == nullptr) GTEST_SKIP() << "GATEHOUSE_EXPECT_ISA is not set";
  ASSERT_STREQ(IsaName(DetectIsa()), expected);
  const std::set<std::string> names = AllNames(DetectIsa());
  const std::string isa = expected;
  if (isa.rfind("neon", 0) != 0) {
    const bool avx2 = isa != "ref", avx512 = isa.rfind("avx512", 0) == 0;
    EXPECT_EQ(names.count("avx2/f32"), avx2 ? 1u : 0u);
    EXPECT_EQ(names.count("avx2/q4"), avx2 ? 1u : 0u);
    EXPECT_EQ(names.count("avx2"), avx2 ? 1u : 0u);
    EXPECT_EQ(names.count("avx512/f32"), avx512 ? 1u : 0u);
    EXPECT_EQ(names.count("avx512-bf16"), isa == "avx512-bf16" ? 1u : 0u);
    EXPECT_LE(names.count("avx512-vnni/q8"), avx512 ? 1u : 0u);
    return;
  }
  EXPECT_EQ(names.count("neon/f32"), 1u);
  EXPECT_EQ(names.count("neon/q8"), 1u);
  EXPECT_EQ(names.count("neon-dotprod/q4"), isa == "neon" ? 0u : 1u);
  EXPECT_EQ(names.count("neon-i8mm/q8"), isa == "neon-i8mm" || isa == "neon-bf16" ? 1u : 0u);
  EXPECT_EQ(names.count("neon-bf16/bf16"), isa == "neon-bf16" ? 1u : 0u);
}

}  // namespace
}  // namespace gatehouse

// Keys and values in 8 bits: half the memory, near the unrounded ones, and as repeatable.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "support/cosine.h"
#include "support/golden_model.h"

namespace gatehouse {
namespace {

using Logits = std::vector<std::vector<float>>;

const std::vector<TokenPath> kEnds = {{}, {7}, {7, 8}, {7, 9}};

Logits LogitsOf(Engine& engine, Sequence& sequence, const std::vector<int32_t>& ids) {
  const auto logits = engine.Run(sequence, {ids, {}, {}}, kEnds);
  EXPECT_TRUE(logits.ok());
  return logits.ok() ? *logits : Logits(kEnds.size());
}

// The largest difference of a token's probability, and the cosine of the logits.
void Compare(const std::vector<float>& a, const std::vector<float>& b, double* difference, double* cosine) {
  double total_a = 0, total_b = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    total_a += std::exp(static_cast<double>(a[i]));
    total_b += std::exp(static_cast<double>(b[i]));
  }
  for (size_t i = 0; i < a.size(); ++i) {
    *difference = std::max(*difference, std::abs(std::exp(static_cast<double>(a[i])) / total_a -
                                                 std::exp(static_cast<double>(b[i])) / total_b));
  }
  *cosine = std::min(*cosine, test::Cosine(a, b));
}

class KvInt8 : public testing::TestWithParam<const char*> {};

TEST_P(KvInt8, StaysNearAndNeverDependsOnChunksThreadsOrWhatWasKept) {
  const std::string name = GetParam();
  const test::LoadedModel rounded = test::LoadModel(name, false, 512, 2, 1000, true),
                          one_thread = test::LoadModel(name, false, 512, 1, 1000, true),
                          exact = test::LoadModel(name, false);
  double difference = 0, cosine = 1;
  for (const test::GoldenCase& one : test::GoldenCases(name)) {
    if (!one.images.empty()) continue;
    Sequence cold = rounded.engine->NewSequence();
    const Logits whole = LogitsOf(*rounded.engine, cold, one.ids);
    for (const int chunk : {5, 64}) {
      rounded.engine->set_prefill_chunk(chunk);
      Sequence chunked = rounded.engine->NewSequence();
      EXPECT_EQ(LogitsOf(*rounded.engine, chunked, one.ids), whole) << one.name << " chunk " << chunk;
    }
    rounded.engine->set_prefill_chunk(512);
    TokenInput input{one.ids, {}, {}};
    rounded.engine->prefixes().Insert({}, input, static_cast<int32_t>(one.ids.size()), cold);
    Sequence warm = rounded.engine->prefixes().Find({}, input, static_cast<int32_t>(one.ids.size()) - 1);
    EXPECT_EQ(warm.length(), static_cast<int32_t>(one.ids.size()) - 1);
    EXPECT_EQ(LogitsOf(*rounded.engine, warm, one.ids), whole) << one.name;
    Sequence single = one_thread.engine->NewSequence();
    EXPECT_EQ(LogitsOf(*one_thread.engine, single, one.ids), whole) << one.name;
    Sequence other = exact.engine->NewSequence();
    const Logits expected = LogitsOf(*exact.engine, other, one.ids);
    for (size_t i = 0; i < expected.size(); ++i) Compare(whole[i], expected[i], &difference, &cosine);
  }
  std::printf("%s: probabilities differ by at most %.5f, cosine of the logits %.6f\n", name.c_str(),
              difference, cosine);
  EXPECT_GT(difference, 0.0);  // they are rounded
  // In a random mixture of experts the smallest difference sends tokens elsewhere: repeatable is enough.
  if (name != "scout-tiny") {
    EXPECT_LE(difference, 0.01);
    EXPECT_GE(cosine, 0.999);
  }
}

INSTANTIATE_TEST_SUITE_P(Models, KvInt8, testing::Values("lg4-small", "lg3-tiny", "scout-tiny"),
                         [](const auto& param) {
                           std::string text = param.param;
                           std::replace(text.begin(), text.end(), '-', '_');
                           return text;
                         });

}  // namespace
}  // namespace gatehouse

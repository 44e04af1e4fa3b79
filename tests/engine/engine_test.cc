// The engine's promise: chunks, cached prefixes, forks and trees never change a bit of a result.
#include "engine/engine.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <stdexcept>

#include "engine/batch_rows.h"
#include "support/golden_model.h"

namespace gatehouse {
namespace {

const test::GoldenCase& Case(const std::vector<test::GoldenCase>& cases, const std::string& name) {
  for (const test::GoldenCase& one : cases) {
    if (one.name == name) return one;
  }
  throw std::runtime_error("no case " + name);
}

const std::vector<TokenPath> kEnd = {{}};

class EngineExactness : public testing::TestWithParam<std::tuple<const char*, bool>> {};

TEST_P(EngineExactness, ChunksAndPrefixesAreBitwiseEqual) {
  const auto [name, f32] = GetParam();
  const test::LoadedModel model = test::LoadModel(name, f32);
  const auto cases = test::GoldenCases(name);
  const TokenInput input{Case(cases, "user").ids, {}, {}};
  Sequence whole = model.engine->NewSequence();
  const auto expected = model.engine->Run(whole, input, kEnd);
  ASSERT_TRUE(expected.ok());
  for (const int chunk : {1, 7, 64}) {
    model.engine->set_prefill_chunk(chunk);
    Sequence sequence = model.engine->NewSequence();
    const auto got = model.engine->Run(sequence, input, kEnd);
    ASSERT_TRUE(got.ok());
    EXPECT_EQ((*got)[0], (*expected)[0]) << "chunk " << chunk;
  }
  model.engine->set_prefill_chunk(512);
  for (const size_t cut : {1u, 31u, 32u, 33u, 146u, 200u}) {
    TokenInput prefix{{input.ids.begin(), input.ids.begin() + static_cast<int64_t>(cut)}, {}, {}};
    Sequence sequence = model.engine->NewSequence();
    ASSERT_TRUE(model.engine->Run(sequence, prefix, {}).ok());
    Sequence fork = sequence.Fork();
    const auto first = model.engine->Run(fork, input, kEnd);
    const auto second = model.engine->Run(sequence, input, kEnd);  // the fork must not have touched it
    ASSERT_TRUE(first.ok() && second.ok());
    EXPECT_EQ((*first)[0], (*expected)[0]) << "prefix " << cut;
    EXPECT_EQ((*second)[0], (*expected)[0]) << "prefix " << cut;
  }
}

TEST_P(EngineExactness, ThreadsDoNotMatter) {
  const auto [name, f32] = GetParam();
  const auto cases = test::GoldenCases(name);
  const TokenInput input{Case(cases, "agent").ids, {}, {}};
  const test::LoadedModel one = test::LoadModel(name, f32, 512, 1),
                          three = test::LoadModel(name, f32, 512, 3);
  Sequence a = one.engine->NewSequence(), b = three.engine->NewSequence();
  const auto x = one.engine->Run(a, input, kEnd), y = three.engine->Run(b, input, kEnd);
  ASSERT_TRUE(x.ok() && y.ok());
  EXPECT_EQ((*x)[0], (*y)[0]);
}

TEST_P(EngineExactness, ATreeEqualsItsBranches) {
  const auto [name, f32] = GetParam();
  const test::LoadedModel model = test::LoadModel(name, f32);
  const auto cases = test::GoldenCases(name);
  const TokenInput input{Case(cases, "excluded").ids, {}, {}};
  const std::vector<TokenPath> paths = {{}, {5}, {5, 6}, {5, 7}, {5, 7, 8, 9}, {10, 11}, {5, 6}};
  Sequence sequence = model.engine->NewSequence();
  const auto tree = model.engine->Run(sequence, input, paths);
  ASSERT_TRUE(tree.ok());
  EXPECT_EQ(sequence.length(), static_cast<int32_t>(input.ids.size()));
  EXPECT_EQ((*tree)[2], (*tree)[6]);
  for (size_t i = 0; i < paths.size(); ++i) {
    TokenInput longer = input;
    longer.ids.insert(longer.ids.end(), paths[i].begin(), paths[i].end());
    Sequence alone = model.engine->NewSequence();
    const auto chain = model.engine->Run(alone, longer, kEnd);
    ASSERT_TRUE(chain.ok());
    // A branch's keys lie in other slots than a chain's, so the sum runs in another order: equal but for
    // rounding.
    EXPECT_LE(test::MaxDifference((*tree)[i], (*chain)[0]), f32 ? 1e-4 : 0.1) << "path " << i;
  }
}

// Only rows whose logits are wanted go through all of the last layer, except where a tap looks at all of
// them.
TEST_P(EngineExactness, RowsThatNobodyReadsDoNotMatter) {
  const auto [name, f32] = GetParam();
  const test::LoadedModel model = test::LoadModel(name, f32);
  const auto cases = test::GoldenCases(name);
  const TokenInput input{Case(cases, "user").ids, {}, {}};
  const std::vector<TokenPath> paths = {{5, 7}, {}, {5, 6}, {10}};
  Sequence a = model.engine->NewSequence(), b = model.engine->NewSequence();
  const EngineStats before = model.engine->stats();
  const auto read = model.engine->Run(a, input, paths);
  EXPECT_EQ(model.engine->stats().read - before.read, 4);
  int shown = 0;
  const HiddenTap tap = [&](int, const std::vector<float>&) { ++shown; };
  const auto all = model.engine->Run(b, input, paths, &tap);
  ASSERT_TRUE(read.ok() && all.ok());
  EXPECT_EQ(shown, model.engine->config().layers + 1);
  for (size_t i = 0; i < paths.size(); ++i) EXPECT_EQ((*read)[i], (*all)[i]) << "path " << i;
  // What follows meets the same keys and values.
  TokenInput longer = input;
  longer.ids.insert(longer.ids.end(), {3, 1, 4});
  const auto after_read = model.engine->Run(a, longer, kEnd), after_all = model.engine->Run(b, longer, kEnd);
  ASSERT_TRUE(after_read.ok() && after_all.ok());
  EXPECT_EQ((*after_read)[0], (*after_all)[0]);
}

INSTANTIATE_TEST_SUITE_P(Models, EngineExactness,
                         testing::Combine(testing::Values("lg4-tiny", "scout-tiny", "lg3-tiny"),
                                          testing::Bool()),
                         [](const auto& param) {
                           std::string text = std::get<0>(param.param);
                           std::replace(text.begin(), text.end(), '-', '_');
                           return text + (std::get<1>(param.param) ? "_f32" : "_bf16");
                         });

// Two pictures of two and three rows, a chunk that begins within the first one, behind another text's
// picture.
TEST(BatchRows, NameEachPicturesOwnRows) {
  TokenInput input;
  input.ids = {9, 1, 1, 9, 1, 1, 1, 9};
  input.embedding_rows = {-1, 0, 1, -1, 2, 3, 4, -1};
  const std::vector<Mat> pictures = {{nullptr, 0, 2, 8}, {nullptr, 0, 3, 8}};
  Batch batch;
  batch.embeddings.resize(1);
  AppendTokens(input, pictures, 2, 6, 0, &batch);
  ASSERT_EQ(batch.embeddings.size(), 3u);
  EXPECT_EQ(batch.embeddings[2].rows, 3);
  std::vector<int32_t> rows, whose;
  for (const BatchRow& row : batch.rows) {
    rows.push_back(row.embedding);
    if (row.embedding >= 0) whose.push_back(row.picture);
  }
  EXPECT_EQ(rows, (std::vector<int32_t>{1, -1, 0, 1, 2, -1}));
  EXPECT_EQ(whose, (std::vector<int32_t>{1, 2, 2, 2}));
}

TEST(Engine, PagesAreGivenBack) {
  const test::LoadedModel model = test::LoadModel("lg3-tiny", true);
  const auto cases = test::GoldenCases("lg3-tiny");
  const TokenInput input{Case(cases, "user").ids, {}, {}};
  for (int round = 0; round < 3; ++round) {
    Sequence sequence = model.engine->NewSequence();
    ASSERT_TRUE(model.engine->Run(sequence, input, kEnd).ok());
    EXPECT_EQ(sequence.pages().size(), (input.ids.size() + 31) / 32);
    for (const int32_t page : sequence.pages()) EXPECT_LT(page, 16) << "a page was lost";
  }
}

TEST(Engine, ReadingTheEndOfNothingIsAnError) {
  const test::LoadedModel model = test::LoadModel("lg3-tiny", true);
  const auto cases = test::GoldenCases("lg3-tiny");
  const TokenInput input{Case(cases, "user").ids, {}, {}};
  Sequence sequence = model.engine->NewSequence();
  ASSERT_TRUE(model.engine->Run(sequence, input, {}).ok());
  EXPECT_FALSE(model.engine->Run(sequence, input, kEnd).ok());
  EXPECT_FALSE(model.engine->Run(sequence, {{1, 2, 999999999}, {}, {}}, kEnd).ok());
}

}  // namespace
}  // namespace gatehouse

// What a run of training learns from, in which order and under which lists, and that a run which was killed
// ends as one left alone.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <set>

#include "base/input_file.h"
#include "base/output_file.h"
#include "policy/policy_fixtures.h"
#include "support/temp_dir.h"
#include "train/run/augmentation.h"
#include "train/run/batch_maker.h"
#include "train/run/plan.h"
#include "train/run/train_config.h"

namespace gatehouse {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

EvalRow Row(bool unsafe, std::vector<std::string> keys, const std::string& text = "hello",
            const std::string& source = "a") {
  EvalRow row;
  row.id = source + ":" + text;
  row.source = source;
  row.language = "en";
  row.conversation.AddUser(text);
  row.unsafe = unsafe;
  row.categories_known = !keys.empty() || !unsafe;
  row.categories = std::move(keys);
  return row;
}

train::CategoryList ListWithout(const std::vector<std::string>& dropped) {
  train::CategoryList out;
  for (int i = 1; i <= 14; ++i) {
    const std::string key = "S" + std::to_string(i);
    const bool gone = std::find(dropped.begin(), dropped.end(), key) != dropped.end();
    (gone ? out.dropped : out.keys).push_back(key);
  }
  return out;
}

TEST(TrainAnswers, FollowFromTheListThatWasGiven) {
  const auto whole = ListWithout({}), without = ListWithout({"S1", "S9"});
  // Safe rows stay safe, whatever is left out.
  EXPECT_FALSE(train::WantedBy(without, Row(false, {}))->unsafe);
  // In the order of the list, less what is left out; safe where nothing of it is left.
  EXPECT_THAT(train::WantedBy(whole, Row(true, {"S9", "S2"}))->keys, ElementsAre("S2", "S9"));
  EXPECT_THAT(train::WantedBy(without, Row(true, {"S9", "S2"}))->keys, ElementsAre("S2"));
  EXPECT_FALSE(train::WantedBy(without, Row(true, {"S9"}))->unsafe);
  // Unknown categories teach the verdict alone, and nothing where it may be what is left out.
  const auto unknown = train::WantedBy(whole, Row(true, {}));
  ASSERT_TRUE(unknown.has_value());
  EXPECT_TRUE(unknown->unsafe);
  EXPECT_FALSE(unknown->knows_keys);
  EXPECT_FALSE(train::WantedBy(without, Row(true, {})).has_value());
  // A label that is no key of the policy says no more than unsafe.
  EXPECT_FALSE(train::WantedBy(whole, Row(true, {"X1"}))->knows_keys);
  EXPECT_FALSE(train::WantedBy(without, Row(true, {"X1"})).has_value());
}

TEST(TrainAnswers, ListsAreMadeAsOftenAsWanted) {
  const Policy policy = test::StarterPolicy();
  const train::AugmentationOptions options{
      .drops = 0.5, .most_dropped = 3, .shuffles = 0.25, .describes = 0.25};
  int dropped = 0, shuffled = 0, described = 0;
  for (uint64_t step = 0; step < 2000; ++step) {
    train::Random random(7, step);
    const train::CategoryList list = train::MakeList(policy, false, options, random);
    dropped += !list.dropped.empty();
    EXPECT_LE(list.dropped.size(), 3u);
    EXPECT_EQ(list.keys.size() + list.dropped.size(), policy.categories.size());
    std::vector<std::string> in_order;
    for (const Category& category : policy.categories) {
      if (std::find(list.keys.begin(), list.keys.end(), category.key) != list.keys.end())
        in_order.push_back(category.key);
    }
    shuffled += in_order != list.keys;
    if (list.choice.custom.empty()) {
      EXPECT_EQ(list.keys.size(), policy.categories.size());
      continue;
    }
    const auto own = std::find_if(policy.categories.begin(), policy.categories.end(),
                                  [&](const Category& c) { return c.key == list.choice.custom[0].first; });
    described += list.choice.custom[0].second == own->description;
  }
  EXPECT_NEAR(dropped, 1000, 100);
  EXPECT_NEAR(shuffled, 500, 80);
  EXPECT_NEAR(described, 500, 80);
}

TEST(TrainAnswers, AreTokensWithWeights) {
  const Policy policy = test::LlamaGuard4Policy();
  const auto tokenizer = test::Llama4Tokenizer();
  ASSERT_NE(tokenizer, nullptr);
  const train::Answer safe = train::AnswerTo(policy, *tokenizer, {}, {.list = 0.5});
  const train::Answer unsafe =
      train::AnswerTo(policy, *tokenizer, {.unsafe = true, .keys = {"S1", "S10"}}, {.list = 0.5});
  const size_t lead = policy.verdict.lead ? tokenizer->Encode(*policy.verdict.lead).size() : 0;
  EXPECT_EQ(unsafe.weights[lead], 1.0f);
  float rest = 0;
  for (size_t i = lead + 1; i < unsafe.weights.size(); ++i) rest += unsafe.weights[i];
  EXPECT_NEAR(rest, 0.5f, 1e-6f);
  EXPECT_THAT(tokenizer->Decode(unsafe.ids), HasSubstr("unsafe\nS1,S10"));
  EXPECT_THAT(tokenizer->Decode(safe.ids), HasSubstr("safe"));
  EXPECT_TRUE(tokenizer->IsControl(unsafe.ids.back()));
  // Of an unknown list only the verdict's first token is wanted.
  const train::Answer unknown =
      train::AnswerTo(policy, *tokenizer, {.unsafe = true, .knows_keys = false}, {});
  EXPECT_EQ(unknown.ids.size(), lead + 1);
}

TEST(TrainPlan, IsTheSameWheneverItIsAsked) {
  train::Examples examples;
  for (int i = 0; i < 103; ++i) {
    EvalRow row = Row(i % 2 == 0, {});
    if (i % 3 == 0) row.conversation.AddAssistant("answer");
    examples.rows.push_back(row);
    examples.weights.push_back(1.0f);
    examples.pass.push_back(static_cast<size_t>(i));
  }
  auto plan = train::Plan::Make(examples, {.conversations = 8, .passes = 2.5, .seed = 3});
  ASSERT_TRUE(plan.ok());
  std::vector<std::vector<size_t>> steps;
  std::multiset<size_t> first_pass;
  const int64_t of_pass = (69 + 7) / 8 + (34 + 1 + 7) / 8;
  for (int64_t step = 0; step < plan->steps(); ++step) {
    steps.push_back(plan->RowsOf(step));
    EXPECT_LE(steps.back().size(), 8u);
    for (const size_t i : steps.back()) {
      EXPECT_EQ(examples.rows[i].role(), examples.rows[steps.back()[0]].role());
      if (step < of_pass) first_pass.insert(i);
    }
  }
  EXPECT_EQ(first_pass.size(), std::set<size_t>(first_pass.begin(), first_pass.end()).size());
  EXPECT_EQ(first_pass.size(), 103u);
  // Backwards, in another object, the same; another seed, another order.
  auto again = train::Plan::Make(examples, {.conversations = 8, .passes = 2.5, .seed = 3});
  for (auto step = static_cast<int64_t>(steps.size()) - 1; step >= 0; --step)
    EXPECT_EQ(again->RowsOf(step), steps[static_cast<size_t>(step)]);
  auto other = train::Plan::Make(examples, {.conversations = 8, .passes = 2.5, .seed = 4});
  EXPECT_NE(other->RowsOf(0), steps[0]);
  EXPECT_FALSE(train::Plan::Make(examples, {.conversations = 0}).ok());
}

class TrainExamples : public testing::Test {
 protected:
  Result<train::Examples> Read(const std::vector<std::tuple<std::string, std::string, int>>& rows,
                               const train::ExampleOptions& options) {
    std::string text;
    int number = 0;
    for (const auto& [source, label, count] : rows) {
      for (int i = 0; i < count; ++i, ++number) {
        text += R"({"id":")" + std::to_string(number) + R"(","source":")" + source +
                R"(","language":"en","split":"train","messages":[{"role":"user","content":"text )" +
                std::to_string(number) + R"("}],"label":")" + label + R"("})" + "\n";
      }
    }
    EXPECT_TRUE(WriteFile(directory_ / "rows.jsonl", text).ok());
    return train::ReadExamples({{directory_ / "rows.jsonl", {}}}, options);
  }
  test::TempDir directory_;
};

TEST_F(TrainExamples, ComeAsOftenAsWanted) {
  const auto examples =
      Read({{"a", "safe", 40}, {"b", "unsafe", 10}, {"b", "safe", 10}, {"c", "unsafe", 100}},
           {.times = {{"b", 2}}, .caps = {{.sources = {"c"}, .share = 0.25}}});
  ASSERT_TRUE(examples.ok()) << examples.error().Message();
  EXPECT_EQ(examples->by_source.at("a").used, 40);
  EXPECT_EQ(examples->by_source.at("b").used, 40);
  // A quarter of all: 80 others, so 26 of them.
  EXPECT_EQ(examples->by_source.at("c").used, 26);
  EXPECT_EQ(examples->by_source.at("c").rows, 100);
  // Safe and unsafe weigh the same.
  double safe = 0, unsafe = 0;
  for (const size_t i : examples->pass)
    (examples->rows[i].unsafe ? unsafe : safe) += static_cast<double>(examples->weights[i]);
  EXPECT_NEAR(safe, unsafe, 1e-3);
  EXPECT_NEAR(safe + unsafe, static_cast<double>(examples->pass.size()), 1e-3);
}

TEST_F(TrainExamples, OfAKindStayBelowTheirShare) {
  // c and d together have at most half of the unsafe rows; their safe rows all stay.
  const auto examples =
      Read({{"a", "unsafe", 30}, {"c", "unsafe", 40}, {"c", "safe", 9}, {"d", "unsafe", 40}},
           {.caps = {{.sources = {"c", "d"}, .label = "unsafe", .share = 0.5}}});
  ASSERT_TRUE(examples.ok()) << examples.error().Message();
  const auto& by = examples->by_source;
  EXPECT_EQ(by.at("a").used, 30);
  EXPECT_EQ(by.at("c").used + by.at("d").used, 30 + 9);
  EXPECT_GT(by.at("c").used, 9 + 5);
  EXPECT_GT(by.at("d").used, 5);
}

TEST_F(TrainExamples, SayWhatIsWrong) {
  EXPECT_THAT(Read({{"a", "safe", 3}}, {.times = {{"b", 2}}}).error().Message(),
              HasSubstr("unknown source in b"));
  EXPECT_THAT(Read({{"a", "safe", 3}}, {.where = {{"split", "test"}}}).error().Message(),
              HasSubstr("nothing to learn from"));
  EXPECT_THAT(Read({{"a", "safe", 3}}, {.caps = {{.sources = {"b"}, .share = 0.5}}}).error().Message(),
              HasSubstr("unknown source in b"));
  EXPECT_THAT(Read({{"a", "safe", 3}}, {.caps = {{.sources = {"a"}, .label = "bad"}}}).error().Message(),
              HasSubstr("caps: label"));
  EXPECT_EQ(Read({{"a", "safe", 3}}, {.max_text_bytes = 3}).error().code, ErrorCode::kUsage);
}

TEST(TrainBatches, ShareTheirPolicy) {
  const Policy policy = test::LlamaGuard4Policy();
  const auto tokenizer = test::Llama4Tokenizer();
  ASSERT_NE(tokenizer, nullptr);
  train::Examples examples;
  for (int i = 0; i < 12; ++i) {
    examples.rows.push_back(Row(i % 2 == 0,
                                i % 2 == 0 ? std::vector<std::string>{"S2"} : std::vector<std::string>(),
                                "message number " + std::to_string(i)));
    examples.weights.push_back(i % 2 == 0 ? 2.0f : 1.0f);
  }
  std::vector<size_t> rows(12);
  for (size_t i = 0; i < rows.size(); ++i) rows[i] = i;
  train::BatchMaker maker(policy, *tokenizer, {.rows = 700, .augmentation = {.drops = 0}});
  const auto step = maker.Make(examples, rows, 0);
  ASSERT_TRUE(step.ok()) << step.error().Message();
  EXPECT_EQ(step->conversations, 12);
  EXPECT_GT(step->passes.size(), 1u);
  double wanted = 0;
  for (const train::TrainBatch& batch : step->passes) {
    EXPECT_LE(batch.rows.rows(), 700);
    EXPECT_EQ(batch.divide_by, 18.0);
    EXPECT_GT(batch.rows.prefix, 20);
    EXPECT_EQ(batch.ids.size(), static_cast<size_t>(batch.rows.rows()));
    for (const train::TrainBatch::Target& target : batch.targets)
      wanted += static_cast<double>(target.weight);
    // Every conversation, put behind the prefix, is the prompt that the runtime asks by.
    for (size_t i = 0; i < batch.rows.segments.size(); ++i) {
      const auto& segment = batch.rows.segments[i];
      std::vector<int32_t> whole(batch.ids.begin(), batch.ids.begin() + batch.rows.prefix);
      whole.insert(whole.end(), batch.ids.begin() + segment.first,
                   batch.ids.begin() + segment.first + segment.count);
      EXPECT_THAT(tokenizer->Decode(whole), HasSubstr("message number "));
    }
  }
  EXPECT_GT(wanted, 18.0);
}

// So a run that goes on leaves out what one left alone would have left out.
TEST(TrainBatches, LeaveOutByStepAndPassAlone) {
  const Policy policy = test::LlamaGuard4Policy();
  const auto tokenizer = test::Llama4Tokenizer();
  ASSERT_NE(tokenizer, nullptr);
  train::Examples examples;
  for (int i = 0; i < 8; ++i) {
    examples.rows.push_back(Row(false, {}, "message number " + std::to_string(i)));
    examples.weights.push_back(1.0f);
  }
  train::BatchMaker maker(policy, *tokenizer, {.rows = 16, .augmentation = {.drops = 0}});
  std::set<uint64_t> seeds;
  std::vector<uint64_t> of_first, again;
  for (const int64_t step : {0, 1, 0}) {
    const auto made = maker.Make(examples, {0, 1, 2, 3, 4, 5, 6, 7}, step);
    ASSERT_TRUE(made.ok()) << made.error().Message();
    ASSERT_EQ(made->passes.size(), 8u);
    again.clear();
    for (const train::TrainBatch& batch : made->passes) again.push_back(batch.drop_seed);
    seeds.insert(again.begin(), again.end());
    if (of_first.empty()) of_first = again;
  }
  EXPECT_EQ(again, of_first);
  EXPECT_EQ(seeds.size(), 16u);
  EXPECT_EQ(seeds.count(0), 0u);
}

TEST(TrainSettings, NameWhatIsWrong) {
  const auto read = [](const std::string& members) {
    const auto config = train::ParseTrainConfig("{\"data\": [\"a\"]" + members + "}", "c.json");
    return config.ok() ? std::string("good") : config.error().Message();
  };
  EXPECT_EQ(read(""), "good");
  EXPECT_EQ(
      read(
          R"(, "lora": {"rank": 4, "modules": ["q_proj"], "dropout": 0.1}, "times": {"x": 2}, "where": {"split": "train"})"),
      "good");
  EXPECT_THAT(read(R"(, "rates": 1)"), HasSubstr("unknown member in c.json: rates"));
  EXPECT_THAT(read(R"(, "rate": "1")"), HasSubstr("c.json: rate"));
  EXPECT_THAT(read(R"(, "conversations": 1.5)"), HasSubstr("a whole number from 1"));
  EXPECT_THAT(read(R"(, "lora": {"rank": 0})"), HasSubstr("c.json: lora: rank"));
  EXPECT_THAT(read(R"(, "caps": [{"sources": ["x"], "share": 2}])"), HasSubstr("c.json: caps: share"));
  EXPECT_THAT(read(R"(, "caps": [{"sources": []}])"), HasSubstr("c.json: caps: sources"));
  EXPECT_THAT(read(R"(, "dtype": "f16")"), HasSubstr("bf16 or f32"));
  EXPECT_THAT(train::ParseTrainConfig("{}", "c.json").error().Message(), HasSubstr("c.json: data"));
  EXPECT_FALSE(train::ParseTrainConfig("{\"data\": [\"a\"], \"data\": []}", "c.json").ok());
}

}  // namespace
}  // namespace gatehouse

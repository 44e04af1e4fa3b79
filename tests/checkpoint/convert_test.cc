#include "checkpoint/convert.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <filesystem>
#include <functional>
#include <numeric>

#include "checkpoint/pack.h"
#include "checkpoint/small_models.h"
#include "kernels/vector/vector.h"
#include "support/checkpoint_maker.h"
#include "support/temp_dir.h"

namespace gatehouse {
namespace {

namespace fs = std::filesystem;
using test::Json;
using test::MessageOf;
using test::Rows;
using testing::HasSubstr;

// What a packed weight says of row n and column k, by the definition of the layout.
float Packed(const WeightView& view, int64_t n, int64_t k) {
  const int64_t pairs = (view.cols + 1) / 2;
  uint16_t bits;
  std::memcpy(&bits, view.tensor().data + 2 * ((((n / 32) * pairs + k / 2) * 32 + n % 32) * 2 + k % 2), 2);
  return Bf16ToFloat(bits);
}

TEST(Pack, ProductsOfTransformedWeightsAndInputsAreThoseOfBothAsTheyWere) {
  for (const int64_t cols : {8, 72, 128, 320}) {
    std::vector<float> w, x;
    for (int64_t k = 0; k < cols; ++k) {
      w.push_back(std::sin(static_cast<float>(k)));
      x.push_back(k == 5 ? 90.0f : std::cos(3.0f * static_cast<float>(k)));
    }
    const double before = std::inner_product(w.begin(), w.end(), x.begin(), 0.0);
    TransformWeights(cols, w.data());
    kRefVector.hadamard(x.data(), cols);
    EXPECT_NEAR(std::inner_product(w.begin(), w.end(), x.begin(), 0.0), before, 1e-4 * std::fabs(before))
        << cols;
  }
}

// Every weight of `converted` is that of `source`, rounded to bf16; what lies beyond N and K is zero.
void ExpectConverted(const Checkpoint& source, const Checkpoint& converted) {
  EXPECT_EQ(converted.kind(), Checkpoint::Kind::kConverted);
  EXPECT_EQ(ModelConfigToJson(converted.config()), ModelConfigToJson(source.config()));
  EXPECT_EQ(converted.config().rope_divisors, source.config().rope_divisors);
  for (const TensorSpec& spec : ListTensors(source.config())) {
    const auto view = converted.Get(spec.name, spec.shape);
    ASSERT_TRUE(view.ok()) << view.error().Message();
    const std::vector<float> expected = Rows(source.Get(spec.name, spec.shape));
    ASSERT_EQ(view->As<ComputedRows>(), nullptr) << "loading is a map";
    ASSERT_EQ(view->As<PackedPanels>() != nullptr, spec.role == TensorSpec::Role::kLinear) << spec.name;
    if (view->As<PackedPanels>() == nullptr) {
      const std::vector<float> values = Rows(view);
      for (size_t i = 0; i < values.size(); ++i) {
        const bool exact = view->tensor().dtype == DType::kF32;
        ASSERT_EQ(values[i], exact ? expected[i] : Bf16ToFloat(FloatToBf16(expected[i]))) << spec.name;
      }
      continue;
    }
    ASSERT_EQ(reinterpret_cast<uintptr_t>(view->tensor().data) % 64, 0u) << spec.name;
    for (int64_t n = 0; n < (view->rows + 31) / 32 * 32; ++n) {
      for (int64_t k = 0; k < (view->cols + 1) / 2 * 2; ++k) {
        const bool inside = n < view->rows && k < view->cols;
        const float value =
            inside ? Bf16ToFloat(FloatToBf16(expected[static_cast<size_t>(n * view->cols + k)])) : 0.0f;
        ASSERT_EQ(Packed(*view, n, k), value) << spec.name << " " << n << " " << k;
      }
    }
  }
}

void ConvertAndCompare(const ConvertOptions& options) {
  const Result<void> done = Convert(options);
  ASSERT_TRUE(done.ok()) << done.error().Message();
  const auto source = Checkpoint::Open(options.input, options.adapter),
             converted = Checkpoint::Open(options.output);
  ASSERT_TRUE(source.ok()) << source.error().Message();
  ASSERT_TRUE(converted.ok()) << converted.error().Message();
  ExpectConverted(**source, **converted);
  EXPECT_FALSE(fs::exists(options.output + ".part"));
}

TEST(Convert, KeepsEveryWeight) {
  const test::TempDir directory;
  test::WriteModel(test::SmallLlama4(), directory / "lg4");
  ConvertAndCompare({.input = directory / "lg4", .output = directory / "lg4.out"});
  test::WriteModel(test::SmallScout(), directory / "scout");
  ConvertAndCompare({.input = directory / "scout", .output = directory / "scout.out", .threads = 3});
  test::WriteModel(test::SmallLlama(true), directory / "tied");
  ConvertAndCompare({.input = directory / "tied", .output = directory / "tied.out/"});
}

TEST(Convert, KeepsEveryWeightOfAGguf) {
  const test::TempDir directory;
  for (const bool tied : {false, true}) {
    test::WriteModel(test::SmallLlama(tied), directory / "hf");
    for (const uint32_t type : {0u, 8u}) {
      test::WriteBytes(directory / "m.gguf", test::AsGguf(directory / "hf", test::SmallLlama(tied), type));
      ConvertAndCompare({.input = directory / "m.gguf",
                         .output = directory / "out",
                         .tokenizer = [](const Checkpoint& checkpoint) {
                           EXPECT_NE(checkpoint.gguf(), nullptr);
                           return Result<std::string>("tokens");
                         }});
      EXPECT_EQ(test::ReadBytes(directory / "out/tokenizer.bin"), "tokens");
    }
  }
}

TEST(Convert, OddSizesArePadded) {
  const std::vector<float> values = {1, 2, 3, 4, 5, 6};  // [2, 3]
  WeightView view;
  view.rows = 2;
  view.cols = 3;
  view.storage = PlainRows{{DType::kF32, {2, 3}, reinterpret_cast<const std::byte*>(values.data())}};
  std::vector<uint16_t> packed(2 * 32 * 2, 0xFFFF);
  std::vector<float> scratch;
  PackPanel(view, 0, &scratch, packed.data());
  WeightView out = view;
  out.storage =
      PackedPanels{{DType::kBF16, {1, 2, 32, 2}, reinterpret_cast<const std::byte*>(packed.data())}};
  for (int64_t n = 0; n < 32; ++n) {
    for (int64_t k = 0; k < 4; ++k)
      EXPECT_EQ(Packed(out, n, k), n < 2 && k < 3 ? values[static_cast<size_t>(n * 3 + k)] : 0) << n << k;
  }
  std::vector<uint16_t> bits;
  for (float value : values) bits.push_back(FloatToBf16(value));
  view.storage = PlainRows{{DType::kBF16, {2, 3}, reinterpret_cast<const std::byte*>(bits.data())}};
  std::vector<uint16_t> again(packed.size(), 0xFFFF);
  PackPanel(view, 0, &scratch, again.data());
  EXPECT_EQ(again, packed);
}

TEST(Convert, MergesAnAdapterAndTakesItsPolicy) {
  const test::TempDir directory;
  test::WriteModel(test::SmallLlama(true), directory / "hf");
  test::WriteBytes(directory / "lora/adapter_config.json", R"({"peft_type":"LORA","r":1,"lora_alpha":2})");
  test::WriteBytes(directory / "lora/policy.json", "{\"policy\":1}");
  test::WriteTensors(directory / "lora/adapter_model.safetensors",
                     {{"base_model.model.lm_head.lora_A.weight",
                       DType::kF32,
                       {1, 64},
                       test::BytesOf(std::vector<float>(64, 0.5f))},
                      {"base_model.model.lm_head.lora_B.weight",
                       DType::kF32,
                       {70, 1},
                       test::BytesOf(std::vector<float>(70, 3.0f))}});
  ConvertAndCompare({.input = directory / "hf", .output = directory / "out", .adapter = directory / "lora"});
  EXPECT_EQ(test::ReadBytes(directory / "out/policy.json"), "{\"policy\":1}");
  // The head moved by 2 * 3 * 0.5, the embeddings that it shared did not.
  const auto out = Checkpoint::Open(directory / "out");
  const auto head = (*out)->Get("lm_head.weight", {70, 64});
  const std::vector<float> table = Rows((*out)->Get("model.embed_tokens.weight", {70, 64}));
  EXPECT_NEAR(Packed(*head, 4, 7), table[4 * 64 + 7] + 3.0f, 0.02);
}

TEST(Convert, CopiesWhatBelongsToAModel) {
  const test::TempDir directory;
  test::WriteModel(test::SmallLlama(false), directory / "hf");
  test::WriteBytes(directory / "hf/tokenizer.json", "t");
  test::WriteBytes(directory / "hf/policy.json", "own");
  test::WriteBytes(directory / "given.json", "given");
  ASSERT_TRUE(Convert({.input = directory / "hf", .output = directory / "out"}).ok());
  EXPECT_EQ(test::ReadBytes(directory / "out/tokenizer.json"), "t");
  EXPECT_EQ(test::ReadBytes(directory / "out/policy.json"), "own");
  EXPECT_TRUE(fs::exists(directory / "out/generation_config.json"));
  EXPECT_FALSE(fs::exists(directory / "out/tokenizer.bin"));
  // An earlier conversion is replaced.
  ASSERT_TRUE(
      Convert({.input = directory / "hf", .output = directory / "out", .policy = directory / "given.json"})
          .ok());
  EXPECT_EQ(test::ReadBytes(directory / "out/policy.json"), "given");
  EXPECT_FALSE(fs::exists(directory / "out.old"));
}

TEST(Convert, ReportsProgressToTheEnd) {
  const test::TempDir directory;
  test::WriteModel(test::SmallLlama(false), directory / "hf");
  int64_t last = 0, whole = 0;
  ASSERT_TRUE(
      Convert({.input = directory / "hf", .output = directory / "out"}, [&](int64_t done, int64_t total) {
        EXPECT_GT(done, last);
        last = done;
        whole = total;
      }).ok());
  EXPECT_EQ(last, whole);
  EXPECT_GT(whole, 0);
}

TEST(Convert, RefusesAndLeavesNothingBehind) {
  const test::TempDir directory;
  test::WriteModel(test::SmallLlama(false), directory / "hf");
  test::WriteBytes(directory / "mine/file", "x");
  EXPECT_THAT(MessageOf(Convert({.input = directory / "hf", .output = directory / "mine"})),
              HasSubstr("output exists"));
  EXPECT_EQ(test::ReadBytes(directory / "mine/file"), "x");
  EXPECT_THAT(MessageOf(Convert({.input = directory / "hf", .output = ""})), HasSubstr("no output"));
  EXPECT_THAT(MessageOf(Convert({.input = directory / "none", .output = directory / "out"})),
              HasSubstr("no such model"));
  EXPECT_THAT(MessageOf(Convert(
                  {.input = directory / "hf", .output = directory / "out", .policy = directory / "none"})),
              HasSubstr("No such file or directory"));
  EXPECT_THAT(MessageOf(Convert({.input = directory / "hf",
                                 .output = directory / "out",
                                 .tokenizer = [](const Checkpoint&) -> Result<std::string> {
                                   return Error{ErrorCode::kModel, "no tokens", "t", {}, {}};
                                 }})),
              HasSubstr("no tokens"));
  EXPECT_FALSE(fs::exists(directory / "out"));
  EXPECT_FALSE(fs::exists(directory / "out.part"));
  ASSERT_TRUE(Convert({.input = directory / "hf", .output = directory / "out"}).ok());
  EXPECT_THAT(MessageOf(Convert({.input = directory / "out", .output = directory / "again"})),
              HasSubstr("nothing to convert"));
  EXPECT_EQ(Checkpoint::Open(directory / "out", directory / "lora").error().code, ErrorCode::kUsage);
}

TEST(Converted, DescriptionsThatDoNotFitAreRefused) {
  const test::TempDir directory;
  test::WriteModel(test::SmallLlama(false), directory / "hf");
  ASSERT_TRUE(Convert({.input = directory / "hf", .output = directory / "out"}).ok());
  const std::string path = directory / "out/gatehouse.json";
  const Json good = Json::parse(test::ReadBytes(path));
  const auto message = [&](const std::function<void(Json&)>& change) {
    Json bad = good;
    change(bad);
    test::WriteBytes(path, bad.dump());
    const auto checkpoint = Checkpoint::Open(directory / "out");
    if (checkpoint.ok()) return std::string("no error");
    EXPECT_EQ(checkpoint.error().code, ErrorCode::kModel);
    return checkpoint.error().Message();
  };
  EXPECT_EQ(message([](Json&) {}), "no error");
  EXPECT_THAT(message([](Json& j) { j["version"] = 2; }), HasSubstr("convert it again"));
  // Rounded weights of version 1 were not transformed: they must not be taken for what they are not.
  EXPECT_THAT(message([](Json& j) { j["weights"] = "q8"; }), HasSubstr("or 2, q8 or q4"));
  EXPECT_THAT(message([](Json& j) { j["format"] = "x"; }), HasSubstr("convert it again"));
  EXPECT_THAT(message([](Json& j) { j["weights"] = "q5"; }), HasSubstr("convert it again"));
  EXPECT_THAT(message([](Json& j) { j.erase("config"); }), HasSubstr("bad description"));
  EXPECT_THAT(message([](Json& j) { j["config"]["hidden_size"] = 0; }), HasSubstr("hidden_size"));
  EXPECT_THAT(message([](Json& j) { j["config"]["hidden_size"] = 32; }), HasSubstr("wrong shape"));
  EXPECT_THAT(message([](Json& j) { j["rope_divisors"] = {1, 2, 3}; }), HasSubstr("rope_divisors"));
  EXPECT_THAT(message([](Json& j) { j["rope_divisors"] = std::vector<int>(8, 0); }),
              HasSubstr("rope_divisors"));
  EXPECT_THAT(message([](Json& j) { j["tensors"].erase("lm_head.weight"); }), HasSubstr("unexpected tensor"));
  EXPECT_THAT(message([](Json& j) {
                j["tensors"]["x"] = {{"shape", {1}}, {"layout", "rows"}};
              }),
              HasSubstr("not as described"));
  EXPECT_THAT(message([](Json& j) { j["tensors"]["lm_head.weight"]["layout"] = "rows"; }),
              HasSubstr("not as described"));
  EXPECT_THAT(message([](Json& j) { j["tensors"]["lm_head.weight"]["layout"] = "x"; }),
              HasSubstr("bad layout"));
  EXPECT_THAT(message([](Json& j) {
                j["tensors"]["lm_head.weight"]["shape"] = {0, 64};
              }),
              HasSubstr("bad shape"));
  EXPECT_THAT(message([](Json& j) { j["tensors"]["lm_head.weight"]["shape"] = {64}; }),
              HasSubstr("bad shape"));
  EXPECT_THAT(message([](Json& j) {
                j["tensors"]["lm_head.weight"]["shape"] = {69, 64};
              }),
              HasSubstr("wrong shape"));
}

// Memory is measured by large_test.cc, in a process that does not read the whole output itself.
TEST(Convert, TheReferenceCheckpoints) {
  const test::TempDir directory;
  for (const char* name : {"lg3-tiny-tied", "scout-tiny"}) {
    ConvertAndCompare({.input = *test::CachedCheckpoint(name), .output = directory / "out", .threads = 2});
  }
}

}  // namespace
}  // namespace gatehouse

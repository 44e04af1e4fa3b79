#include "checkpoint/weights.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <set>

#include "checkpoint/canonical_name.h"
#include "checkpoint/small_models.h"
#include "support/checkpoint_maker.h"
#include "support/temp_dir.h"

namespace gatehouse {
namespace {

using test::Json;
using test::Made;
using test::Rows;
using testing::ElementsAre;
using testing::HasSubstr;

std::string OpenMessage(const std::string& path, const std::string& adapter = {}) {
  const auto checkpoint = Checkpoint::Open(path, adapter);
  return checkpoint.ok() ? "no error" : checkpoint.error().Message();
}

const Made& Find(const std::vector<Made>& tensors, const std::string& name) {
  return *std::find_if(tensors.begin(), tensors.end(),
                       [&](const Made& tensor) { return tensor.name == name; });
}

// Every weight of every reference checkpoint: the list is theirs, the values those of the generator.
TEST(Checkpoint, OpensTheReferenceCheckpoints) {
  for (const char* name : {"lg4-tiny", "lg4-small", "scout-tiny", "lg3-tiny", "lg3-tiny-tied"}) {
    const auto directory = test::CachedCheckpoint(name);
    ASSERT_TRUE(directory.ok()) << directory.error().Message();
    const auto checkpoint = Checkpoint::Open(*directory);
    ASSERT_TRUE(checkpoint.ok()) << checkpoint.error().Message();
    EXPECT_EQ((*checkpoint)->kind(), Checkpoint::Kind::kHuggingFace);
    for (const TensorSpec& spec : ListTensors((*checkpoint)->config())) {
      const auto view = (*checkpoint)->Get(spec.name, spec.shape);
      ASSERT_TRUE(view.ok()) << view.error().Message();
      EXPECT_EQ(view->cols, spec.shape.back());
      EXPECT_EQ(view->rows, spec.shape.size() == 1 ? 1 : spec.shape[0]);
    }
  }
}

TEST(Checkpoint, GivesTheFilesValuesWithoutCopies) {
  const auto checkpoint = Checkpoint::Open(*test::CachedCheckpoint("lg4-tiny"));
  ASSERT_TRUE(checkpoint.ok());
  int checked = 0;
  const auto tensors = test::TensorsOf("lg4-tiny");
  for (const test::MadeTensor& tensor : *tensors) {
    if (tensor.shape.size() != 2 || tensor.shape[0] > 4096) continue;
    const auto view = (*checkpoint)->Get(CanonicalName(tensor.name), tensor.shape);
    ASSERT_TRUE(view.ok()) << view.error().Message();
    EXPECT_NE(view->As<PlainRows>(), nullptr) << tensor.name;  // used where it lies
    const auto values = test::ValuesOf("lg4-tiny", tensor);
    ASSERT_EQ(std::memcmp(view->tensor().data, values->data(), values->size() * 2), 0) << tensor.name;
    ++checked;
  }
  EXPECT_GT(checked, 50);
}

TEST(Checkpoint, ReadsNewerPrefixes) {
  const test::TempDir directory;
  test::WriteModel(test::SmallLlama4(), directory / "old");
  test::CopyRenamed(directory / "old", directory / "new", [](const std::string& name) {
    if (name.starts_with("language_model.model.")) return "model.language_model." + name.substr(21);
    if (name.starts_with("language_model.")) return name.substr(15);
    return "model." + name;
  });
  const auto older = Checkpoint::Open(directory / "old"), newer = Checkpoint::Open(directory / "new");
  ASSERT_TRUE(older.ok()) << older.error().Message();
  ASSERT_TRUE(newer.ok()) << newer.error().Message();
  for (const TensorSpec& spec : ListTensors((*older)->config())) {
    EXPECT_EQ(Rows((*older)->Get(spec.name, spec.shape)), Rows((*newer)->Get(spec.name, spec.shape)))
        << spec.name;
  }
}

// experts.gate_up_proj [E, in, 2 * out] and down_proj [E, in, out] are inputs first; gate comes before up.
TEST(Checkpoint, TakesFusedExpertsApart) {
  const test::TempDir directory;
  test::WriteModel(test::SmallScout(), directory.path());
  const auto checkpoint = Checkpoint::Open(directory.path());
  ASSERT_TRUE(checkpoint.ok()) << checkpoint.error().Message();
  const auto tensors = test::ReadTensors(directory.path());
  const std::string prefix = "model.layers.1.feed_forward.experts.";
  const std::vector<float> fused = FloatsOf(Find(tensors, "language_model." + prefix + "gate_up_proj"));
  const std::vector<float> down = FloatsOf(Find(tensors, "language_model." + prefix + "down_proj"));
  const int64_t hidden = 40, ffn = 36;
  for (int64_t expert = 0; expert < 3; ++expert) {
    const std::string own = prefix + std::to_string(expert) + ".";
    const std::vector<float> gate = Rows((*checkpoint)->Get(own + "gate_proj.weight", {ffn, hidden}));
    const std::vector<float> up = Rows((*checkpoint)->Get(own + "up_proj.weight", {ffn, hidden}));
    const std::vector<float> out = Rows((*checkpoint)->Get(own + "down_proj.weight", {hidden, ffn}));
    for (int64_t o = 0; o < ffn; ++o) {
      for (int64_t i = 0; i < hidden; ++i) {
        ASSERT_EQ(gate[static_cast<size_t>(o * hidden + i)],
                  fused[static_cast<size_t>((expert * hidden + i) * 2 * ffn + o)]);
        ASSERT_EQ(up[static_cast<size_t>(o * hidden + i)],
                  fused[static_cast<size_t>((expert * hidden + i) * 2 * ffn + ffn + o)]);
        ASSERT_EQ(out[static_cast<size_t>(i * ffn + o)],
                  down[static_cast<size_t>((expert * ffn + o) * hidden + i)]);
      }
    }
  }
  // Some rows in the middle are the same as in the whole.
  const auto view = (*checkpoint)->Get(prefix + "2.up_proj.weight", {ffn, hidden});
  std::vector<float> some(static_cast<size_t>(3 * hidden));
  view->ReadRows(5, 3, some.data());
  const std::vector<float> all = Rows(view);
  EXPECT_TRUE(std::equal(some.begin(), some.end(), all.begin() + 5 * hidden));
}

TEST(Checkpoint, ReadsGgufInHuggingFaceOrder) {
  for (const bool tied : {false, true}) {
    const test::TempDir directory;
    test::WriteModel(test::SmallLlama(tied), directory / "hf");
    test::WriteBytes(directory / "m.gguf", test::AsGguf(directory / "hf", test::SmallLlama(tied), 0));
    test::WriteBytes(directory / "q.gguf", test::AsGguf(directory / "hf", test::SmallLlama(tied), 8));
    const auto hf = Checkpoint::Open(directory / "hf"), gguf = Checkpoint::Open(directory / "m.gguf");
    const auto quantised = Checkpoint::Open(directory / "q.gguf");
    ASSERT_TRUE(hf.ok()) << hf.error().Message();
    ASSERT_TRUE(gguf.ok()) << gguf.error().Message();
    ASSERT_TRUE(quantised.ok()) << quantised.error().Message();
    EXPECT_EQ((*gguf)->kind(), Checkpoint::Kind::kGguf);
    EXPECT_NE((*gguf)->gguf(), nullptr);
    EXPECT_EQ((*gguf)->config().tied, tied);
    EXPECT_THAT((*gguf)->config().rope_divisors, ElementsAre(1, 1, 1, 2, 2, 4, 8, 8));
    for (const TensorSpec& spec : ListTensors((*hf)->config())) {
      const std::vector<float> expected = Rows((*hf)->Get(spec.name, spec.shape));
      EXPECT_EQ(expected, Rows((*gguf)->Get(spec.name, spec.shape))) << spec.name;
      const std::vector<float> near = Rows((*quantised)->Get(spec.name, spec.shape));
      for (size_t i = 0; i < near.size(); ++i) ASSERT_NEAR(near[i], expected[i], 0.02) << spec.name;
    }
    if (tied) {
      EXPECT_EQ(Rows((*gguf)->Get("lm_head.weight", {70, 64})),
                Rows((*gguf)->Get("model.embed_tokens.weight", {70, 64})));
    }
  }
}

TEST(Checkpoint, MisplacedDataAreReadByValue) {
  const test::TempDir directory;
  test::WriteModel(test::SmallLlama(false), directory / "a");
  std::string bytes = test::ReadBytes(directory / "a/model.safetensors");
  uint64_t header = 0;
  std::memcpy(&header, bytes.data(), 8);
  bytes.insert(8 + header, 1, ' ');  // one more space: all data at odd addresses
  ++header;
  std::memcpy(bytes.data(), &header, 8);
  test::WriteBytes(directory / "b/model.safetensors", bytes);
  test::WriteBytes(directory / "b/config.json", test::ReadBytes(directory / "a/config.json"));
  const auto a = Checkpoint::Open(directory / "a"), b = Checkpoint::Open(directory / "b");
  ASSERT_TRUE(b.ok()) << b.error().Message();
  EXPECT_NE((*b)->Get("lm_head.weight", {70, 64})->As<ComputedRows>(), nullptr);
  EXPECT_EQ(Rows((*a)->Get("lm_head.weight", {70, 64})), Rows((*b)->Get("lm_head.weight", {70, 64})));
}

TEST(Checkpoint, WeightsOutliveIt) {
  const test::TempDir directory;
  test::WriteModel(test::SmallScout(), directory.path());
  WeightView view;
  {
    const auto checkpoint = Checkpoint::Open(directory.path());
    view = *(*checkpoint)->Get("model.layers.0.feed_forward.experts.0.gate_proj.weight", {36, 40});
  }
  std::vector<float> row(40);
  view.ReadRows(3, 1, row.data());
  EXPECT_TRUE(std::any_of(row.begin(), row.end(), [](float value) { return value != 0; }));
}

TEST(Checkpoint, StopsComeFromTheGenerationConfig) {
  const test::TempDir directory;
  test::WriteModel(test::SmallLlama(false), directory.path());
  test::WriteBytes(directory / "generation_config.json", R"({"eos_token_id":[7,9]})");
  EXPECT_THAT((*Checkpoint::Open(directory.path()))->config().eos, ElementsAre(7, 9));
  test::WriteBytes(directory / "generation_config.json", R"({"eos_token_id":[70]})");
  EXPECT_THAT(OpenMessage(directory.path()), HasSubstr("eos_token_id"));
  // One that cannot be read is not absent.
  std::filesystem::remove(directory / "generation_config.json");
  std::filesystem::create_directory(directory / "generation_config.json");
  EXPECT_THAT(OpenMessage(directory.path()), HasSubstr("Is a directory"));
}

TEST(Checkpoint, NamesWhatIsWrong) {
  const test::TempDir directory;
  EXPECT_THAT(OpenMessage(directory / "none"), HasSubstr("no such model"));
  EXPECT_THAT(OpenMessage(directory.path()), HasSubstr("config.json"));
  test::WriteBytes(directory / "f.gguf", "no GGUF");
  EXPECT_THAT(OpenMessage(directory / "f.gguf"), HasSubstr("not a GGUF file"));

  test::WriteModel(test::SmallLlama(false), directory / "good");
  const auto changed = [&](const std::function<void(std::vector<Made>&)>& change) {
    std::vector<Made> tensors = test::ReadTensors(directory / "good");
    change(tensors);
    test::WriteTensors(directory / "bad/model.safetensors", tensors);
    test::WriteBytes(directory / "bad/config.json", test::ReadBytes(directory / "good/config.json"));
    return OpenMessage(directory / "bad");
  };
  EXPECT_EQ(changed([](auto&) {}), "no error");
  EXPECT_THAT(changed([](auto& tensors) { tensors.erase(tensors.begin() + 3); }),
              HasSubstr("tensor missing"));
  EXPECT_THAT(changed([](auto& tensors) {
                tensors.push_back({"extra", DType::kBF16, {1}, "xx"});
              }),
              HasSubstr("unexpected tensor"));
  EXPECT_THAT(changed([](auto& tensors) { std::swap(tensors[1].shape[0], tensors[1].shape[1]); }),
              HasSubstr("wrong shape"));
  EXPECT_THAT(changed([](auto& tensors) { tensors[1].dtype = DType::kI16; }), HasSubstr("wrong dtype"));
  EXPECT_EQ(changed([](auto& tensors) {
              tensors.push_back({"model.layers.0.self_attn.rotary_emb.inv_freq", DType::kF32, {1}, "xxxx"});
            }),
            "no error");
  EXPECT_EQ(changed([](auto& tensors) { tensors[1].dtype = DType::kF16; }), "no error");
  EXPECT_THAT(changed([](auto& tensors) {
                tensors.push_back({"language_model.lm_head.weight", DType::kBF16, {1}, "xx"});
              }),
              HasSubstr("twice"));
  const auto good = Checkpoint::Open(directory / "good");
  EXPECT_THAT((*good)->Get("none", {1}).error().Message(), HasSubstr("tensor missing"));
  EXPECT_THAT((*good)->Get("lm_head.weight", {64, 70}).error().Message(), HasSubstr("wrong shape"));

  test::WriteModel(test::SmallScout(), directory / "scout");
  std::vector<Made> tensors = test::ReadTensors(directory / "scout");
  for (Made& tensor : tensors) {
    if (tensor.name.ends_with("experts.gate_up_proj")) std::swap(tensor.shape[1], tensor.shape[2]);
  }
  test::WriteTensors(directory / "scout/model.safetensors", tensors);
  EXPECT_THAT(OpenMessage(directory / "scout"), HasSubstr("wrong shape"));
}

TEST(CanonicalName, JoinsTheSpellings) {
  EXPECT_EQ(CanonicalName("language_model.model.norm.weight"), "model.norm.weight");
  EXPECT_EQ(CanonicalName("language_model.lm_head.weight"), "lm_head.weight");
  EXPECT_EQ(CanonicalName("model.language_model.norm.weight"), "model.norm.weight");
  EXPECT_EQ(CanonicalName("model.language_model.model.norm.weight"), "model.norm.weight");
  EXPECT_EQ(CanonicalName("model.vision_model.class_embedding"), "vision_model.class_embedding");
  EXPECT_EQ(CanonicalName("model.multi_modal_projector.linear_1.weight"),
            "multi_modal_projector.linear_1.weight");
  EXPECT_EQ(CanonicalName("model.norm.weight"), "model.norm.weight");
}

}  // namespace
}  // namespace gatehouse

// The readable model against the references: it is an oracle for other tests only because it passes these.
#include <gtest/gtest.h>
#include <spng.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>

#include "formats/model_config.h"
#include "formats/safetensors.h"
#include "formats/tensor_source.h"
#include "reference/reference_model.h"
#include "support/checkpoint_maker.h"

namespace gatehouse::test {
namespace {

using Json = nlohmann::json;
using Rows = ReferenceModel::Rows;

constexpr double kBar = 2e-4;  // two runs of the published code with different attention agree within 2e-5
const std::string kGolden = GATEHOUSE_SOURCE_DIR "/tests/golden/";
const std::string kShared = GATEHOUSE_SOURCE_DIR "/../shared/golden/";

std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

std::vector<float> Floats(const TensorView& tensor) {
  std::vector<float> values(static_cast<size_t>(tensor.elements()));
  EXPECT_TRUE(ToFloat(tensor, 0, tensor.elements(), values.data()));
  return values;
}

// A checkpoint made by the recipe of that name, and what is needed to compare with its references.
struct Case {
  TensorSource source;
  ReferenceModel model;
};

Result<std::unique_ptr<Case>> LoadCase(const std::string& name) {
  GATEHOUSE_ASSIGN(const std::string directory, CachedCheckpoint(name));
  GATEHOUSE_ASSIGN(const ModelConfig config,
                   ParseModelConfig(ReadFile(directory + "/config.json"), "config.json"));
  GATEHOUSE_ASSIGN(TensorSource source, TensorSource::Open(directory));
  auto weights = [source](const std::string& tensor) {
    const TensorView* view = source.Find(tensor);
    EXPECT_NE(view, nullptr) << tensor;
    return view == nullptr ? std::vector<float>() : Floats(*view);
  };
  return std::make_unique<Case>(Case{source, ReferenceModel(config, weights)});
}

// The row of a .jsonl file whose "name" is that.
Json RowNamed(const std::string& path, const std::string& name) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    Json row = Json::parse(line);
    if (row["name"] == name) return row;
  }
  ADD_FAILURE() << path << " has no row " << name;
  return {};
}

// The ids of a conversation: Llama 4's are shared by all such models, others stand in the model's own file.
std::vector<int32_t> IdsOf(const std::string& model, const std::string& conversation) {
  const Json own = RowNamed(kGolden + model + ".jsonl", conversation);
  if (own.contains("ids")) return own["ids"];
  return RowNamed(kGolden + "prompts.jsonl", conversation)["ids"];
}

// The 16 largest logits, by their ids.
void ExpectTop(const std::vector<double>& logits, const Json& row) {
  const Json& top = row["top"];
  EXPECT_EQ(top.size(), 16U);
  for (const Json& pair : top) {
    EXPECT_NEAR(logits.at(pair[0].get<size_t>()), pair[1].get<double>(), kBar) << "id " << pair[0];
  }
}

double Worst(const Rows& found, const std::vector<float>& expected) {
  double worst = 0;
  size_t at = 0;
  for (const auto& row : found) {
    for (double value : row) {
      const double error = std::abs(value - static_cast<double>(expected.at(at++)));
      worst = std::isnan(error) ? INFINITY : std::max(worst, error);
    }
  }
  EXPECT_EQ(at, expected.size());
  return worst;
}

// 8-bit RGB of a PNG file, decoded by libspng alone.
std::vector<uint8_t> DecodePng(const std::string& path) {
  const std::string bytes = ReadFile(path);
  std::unique_ptr<spng_ctx, void (*)(spng_ctx*)> context(spng_ctx_new(0), spng_ctx_free);
  size_t size = 0;
  EXPECT_EQ(spng_set_png_buffer(context.get(), bytes.data(), bytes.size()), 0) << path;
  EXPECT_EQ(spng_decoded_image_size(context.get(), SPNG_FMT_RGB8, &size), 0) << path;
  std::vector<uint8_t> pixels(size);
  EXPECT_EQ(spng_decode_image(context.get(), pixels.data(), size, SPNG_FMT_RGB8, 0), 0) << path;
  return pixels;
}

// The encoder's rows for all tiles of a reference image, the tiles read from their stored pictures.
Rows EncodeImage(const ReferenceModel& model, const std::string& image) {
  constexpr int kSide = 336;
  const std::vector<float> value_of_level =
      Json::parse(ReadFile(kGolden + "images.json"))["normalised_of_level"].get<std::vector<float>>();
  const std::vector<uint8_t> levels = DecodePng(kGolden + "tiles/" + image + ".png");
  const size_t tile_bytes = size_t{3} * kSide * kSide;
  Rows rows;
  for (size_t tile = 0; tile < levels.size() / tile_bytes; ++tile) {
    std::vector<float> pixels(tile_bytes);
    for (int channel = 0; channel < 3; ++channel) {
      for (int i = 0; i < kSide * kSide; ++i) {
        pixels[static_cast<size_t>(channel) * kSide * kSide + i] =
            value_of_level[levels[tile * tile_bytes + static_cast<size_t>(i) * 3 + channel]];
      }
    }
    Rows encoded = model.EncodeTile(pixels);
    rows.insert(rows.end(), encoded.begin(), encoded.end());
  }
  return rows;
}

class ReferenceModelTest : public testing::TestWithParam<const char*> {};

// Logits of the last position: the 16 largest by their ids, and all of them.
TEST_P(ReferenceModelTest, LogitsOfUser) {
  const std::string name = GetParam();
  auto loaded = LoadCase(name);
  ASSERT_TRUE(loaded.ok()) << loaded.error().Message();
  const ReferenceModel& model = (*loaded)->model;
  const ReferenceModel::Trace trace = model.Run(IdsOf(name, "user"));
  const std::vector<double> logits = model.Logits(trace.hidden.back().back());

  ExpectTop(logits, RowNamed(kGolden + name + ".jsonl", "user"));
  auto stored = SafetensorsFile::Open(kGolden + name + ".safetensors");
  ASSERT_TRUE(stored.ok()) << stored.error().Message();
  const double worst = Worst({logits}, Floats(*stored->Find("user.logits")));
  EXPECT_LE(worst, kBar);
  std::printf("%s: logits within %.2e\n", name.c_str(), worst);

  if (!std::filesystem::exists(kShared + name + ".safetensors")) {
    GTEST_SKIP() << "hidden states not compared: no " << kShared;
  }
  auto full = SafetensorsFile::Open(kShared + name + ".safetensors");
  ASSERT_TRUE(full.ok()) << full.error().Message();
  for (size_t layer = 0; layer < trace.hidden.size(); ++layer) {
    const TensorView* expected = full->Find("user.hidden." + std::to_string(layer));
    ASSERT_NE(expected, nullptr) << layer;
    const double error = Worst(trace.hidden[layer], Floats(*expected));
    EXPECT_LE(error, kBar) << "hidden state " << layer;
    std::printf("%s: hidden state %zu within %.2e\n", name.c_str(), layer, error);
  }
}

INSTANTIATE_TEST_SUITE_P(Models, ReferenceModelTest,
                         testing::Values("lg4-tiny", "lg4-small", "scout-tiny", "lg3-tiny", "lg3-tiny-tied"),
                         [](const auto& tested) {
                           std::string name = tested.param;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

TEST(ReferenceModel, VisionEmbeddings) {
  if (!std::filesystem::exists(kShared + "lg4-tiny.safetensors")) GTEST_SKIP() << "no " << kShared;
  for (const char* name : {"lg4-tiny", "lg4-small"}) {
    auto loaded = LoadCase(name);
    ASSERT_TRUE(loaded.ok()) << loaded.error().Message();
    auto full = SafetensorsFile::Open(kShared + name + std::string(".safetensors"));
    ASSERT_TRUE(full.ok()) << full.error().Message();
    const double worst =
        Worst(EncodeImage((*loaded)->model, "small.png"), Floats(*full->Find("vision.small.png")));
    EXPECT_LE(worst, kBar) << name;
    std::printf("%s: image embeddings within %.2e\n", name, worst);
  }
}

// Text and image together, with the references of a clone alone: the 16 largest logits of a conversation with
// a picture.
TEST(ReferenceModel, LogitsWithAnImage) {
  auto loaded = LoadCase("lg4-tiny");
  ASSERT_TRUE(loaded.ok()) << loaded.error().Message();
  const ReferenceModel& model = (*loaded)->model;
  const ReferenceModel::Trace trace =
      model.Run(IdsOf("lg4-tiny", "one-image"), EncodeImage(model, "small.png"));
  const std::vector<double> logits = model.Logits(trace.hidden.back().back());
  ExpectTop(logits, RowNamed(kGolden + "lg4-tiny.jsonl", "one-image"));
}

}  // namespace
}  // namespace gatehouse::test

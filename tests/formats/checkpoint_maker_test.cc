// The test helper itself: its files must be those of the reference generator, digest by digest.
#include "support/checkpoint_maker.h"

#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "formats/model_config.h"
#include "formats/tensor_source.h"
#include "support/sha256.h"

namespace gatehouse {
namespace {

class CheckpointMaker : public testing::TestWithParam<const char*> {};

TEST_P(CheckpointMaker, WritesTheReferencesBytes) {
  const auto manifest =
      nlohmann::json::parse(std::ifstream(GATEHOUSE_SOURCE_DIR "/tests/golden/manifest.json"));
  const auto directory = test::CachedCheckpoint(GetParam());
  ASSERT_TRUE(directory.ok()) << directory.error().Message();
  for (const auto& [file, digest] : manifest["checkpoints"][GetParam()].items()) {
    EXPECT_EQ(test::Sha256OfFile(*directory + "/" + file), digest.get<std::string>()) << file;
  }
}

TEST_P(CheckpointMaker, IsACheckpoint) {
  const auto directory = test::CachedCheckpoint(GetParam());
  ASSERT_TRUE(directory.ok()) << directory.error().Message();
  const auto source = TensorSource::Open(*directory);
  ASSERT_TRUE(source.ok()) << source.error().Message();
  const auto tensors = test::TensorsOf(GetParam());
  ASSERT_TRUE(tensors.ok());
  ASSERT_EQ(source->tensors().size(), tensors->size());
  for (const auto& tensor : *tensors) {
    const TensorView* view = source->Find(tensor.name);
    ASSERT_NE(view, nullptr) << tensor.name;
    EXPECT_EQ(view->shape, tensor.shape) << tensor.name;
  }
}

INSTANTIATE_TEST_SUITE_P(All, CheckpointMaker,
                         testing::Values("lg4-tiny", "lg4-verdict", "lg4-small", "scout-tiny", "lg3-tiny",
                                         "lg3-tiny-tied"));

}  // namespace
}  // namespace gatehouse

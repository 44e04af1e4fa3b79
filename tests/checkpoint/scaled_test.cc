#include "checkpoint/scaled.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "checkpoint/small_models.h"
#include "checkpoint/weights.h"
#include "support/temp_dir.h"

namespace gatehouse {
namespace {

using test::Json;
using test::Made;
using testing::HasSubstr;

// By the definition of E4M3, in double precision.
double Float8(int bits) {
  const int exponent = bits >> 3 & 15, mantissa = bits & 7;
  const double magnitude = exponent == 0 ? std::ldexp(mantissa, -9) : std::ldexp(8 + mantissa, exponent - 10);
  return (bits & 128) != 0 ? -magnitude : magnitude;
}

Json Fbgemm() {
  return {{"quant_method", "fbgemm_fp8"},
          {"activation_scale_ub", 1200.0},
          {"modules_to_not_convert", Json::array()}};
}

// The model's tensors, each fused one of the experts in FP8 with a scale for each output of each expert.
std::vector<Made> WithFusedFloat8(std::vector<Made> tensors, bool scales_last) {
  std::mt19937 random(3);
  std::vector<Made> out;
  for (Made& tensor : tensors) {
    const bool down = tensor.name.ends_with(".experts.down_proj");
    if (!down && !tensor.name.ends_with(".experts.gate_up_proj")) {
      out.push_back(std::move(tensor));
      continue;
    }
    Made bits{tensor.name, DType::kF8_E4M3, tensor.shape, {}};
    for (int64_t i = 0; i < tensor.shape[0] * tensor.shape[1] * tensor.shape[2]; ++i)
      bits.bytes.push_back(static_cast<char>(random() % 127 | (random() % 2 << 7)));
    const int64_t outputs = tensor.shape[2];
    Made scales{tensor.name + "_scale", DType::kF32, {tensor.shape[0], 1, outputs}, {}};
    if (scales_last) scales.shape = {tensor.shape[0], outputs, 1};
    std::vector<float> values;
    for (int64_t i = 0; i < tensor.shape[0] * outputs; ++i)
      values.push_back(1.0f / static_cast<float>(3 + random() % 50));
    scales.bytes = test::BytesOf(values);
    out.push_back(std::move(bits));
    out.push_back(std::move(scales));
  }
  return out;
}

const Made& Named(const std::vector<Made>& tensors, const std::string& name) {
  return *std::find_if(tensors.begin(), tensors.end(),
                       [&](const Made& tensor) { return tensor.name == name; });
}

TEST(Scaled, FusedExpertsOfFloat8) {
  for (const bool scales_last : {false, true}) {
    const test::TempDir directory;
    Json config = test::SmallScout();
    test::WriteModel(config, directory / "plain");
    const std::vector<Made> tensors = WithFusedFloat8(test::ReadTensors(directory / "plain"), scales_last);
    test::WriteTensors(directory / "f8/model.safetensors", tensors);
    config["quantization_config"] = Fbgemm();
    test::WriteBytes(directory / "f8/config.json", config.dump());
    const auto checkpoint = Checkpoint::Open(directory / "f8");
    ASSERT_TRUE(checkpoint.ok()) << checkpoint.error().Message();
    const std::string own = "model.layers.1.feed_forward.experts.", there = "language_model." + own;
    const int64_t hidden = 40, ffn = 36;
    const auto check = [&](const char* fused, const char* part, int64_t rows, int64_t cols, int64_t first,
                           int64_t outputs) {
      const Made& bits = Named(tensors, there + fused);
      const std::vector<float> scales = FloatsOf(Named(tensors, there + fused + "_scale"));
      for (int64_t expert = 0; expert < 3; ++expert) {
        const std::string name = own + std::to_string(expert) + "." + part + ".weight";
        const std::vector<float> got = test::Rows((*checkpoint)->Get(name, {rows, cols}));
        for (int64_t o = 0; o < rows; ++o) {
          for (int64_t i = 0; i < cols; ++i) {
            const auto at = static_cast<size_t>((expert * cols + i) * outputs + first + o);
            const float scale = scales[static_cast<size_t>(expert * outputs + first + o)];
            ASSERT_EQ(got[static_cast<size_t>(o * cols + i)],
                      static_cast<float>(Float8(static_cast<uint8_t>(bits.bytes[at])) * scale))
                << name << " " << o << " " << i;
          }
        }
      }
    };
    check("gate_up_proj", "gate_proj", ffn, hidden, 0, 2 * ffn);
    check("gate_up_proj", "up_proj", ffn, hidden, ffn, 2 * ffn);
    check("down_proj", "down_proj", hidden, ffn, 0, hidden);
  }
}

class ScaledFaults : public testing::Test {
 protected:
  ScaledFaults() {
    test::WriteModel(test::SmallLlama(false), directory_ / "plain");
    config_["quantization_config"] = Fbgemm();
    for (Made& tensor : test::ReadTensors(directory_ / "plain")) {
      if (tensor.name == kName) {
        const int64_t rows = tensor.shape[0];
        tensor.dtype = DType::kF8_E4M3;
        tensor.bytes = std::string(static_cast<size_t>(rows * tensor.shape[1]), '\x38');
        tensors_.push_back({tensor.name + "_scale",
                            DType::kF32,
                            {rows, 1},
                            test::BytesOf(std::vector<float>(static_cast<size_t>(rows), 2.0f))});
      }
      tensors_.push_back(std::move(tensor));
    }
  }
  Made& At(const std::string& name) { return const_cast<Made&>(Named(tensors_, name)); }
  std::string Message() {
    test::WriteTensors(directory_ / "m/model.safetensors", tensors_);
    test::WriteBytes(directory_ / "m/config.json", config_.dump());
    const auto checkpoint = Checkpoint::Open(directory_ / "m");
    return checkpoint.ok() ? "no error" : checkpoint.error().Message();
  }

  static constexpr const char* kName = "model.layers.0.mlp.up_proj.weight";
  test::TempDir directory_;
  Json config_ = test::SmallLlama(false);
  std::vector<Made> tensors_;
};

TEST_F(ScaledFaults, AGoodOneOpens) {
  ASSERT_EQ(Message(), "no error");
  const auto checkpoint = Checkpoint::Open(directory_ / "m");
  const std::vector<float> values = test::Rows((*checkpoint)->Get(kName, At(kName).shape));
  EXPECT_THAT(values, testing::Each(2.0f));  // 0x38 is 1
}

TEST_F(ScaledFaults, NoConfigThatSpeaksOfScales) {
  config_.erase("quantization_config");
  EXPECT_THAT(Message(), HasSubstr("F8_E4M3"));
}
TEST_F(ScaledFaults, OtherMethodsByTheirTensors) {
  config_.erase("quantization_config");
  const std::string stem = "model.layers.0.mlp.up_proj.";
  for (const auto& [suffix, method] : {std::pair("qweight", "GPTQ"), std::pair("SCB", "bitsandbytes")}) {
    tensors_.push_back({stem + suffix, DType::kI32, {1}, "xxxx"});
    EXPECT_THAT(Message(), HasSubstr(method));
    tensors_.pop_back();
  }
}
TEST_F(ScaledFaults, NoScale) {
  std::erase_if(tensors_, [](const Made& tensor) { return tensor.name.ends_with("_scale"); });
  EXPECT_THAT(Message(), HasSubstr("without a scale"));
}
TEST_F(ScaledFaults, ScaleOfAnotherWeight) {
  At(std::string(kName) + "_scale").name = "model.layers.0.mlp.gate_proj.weight_scale";
  EXPECT_THAT(Message(), HasSubstr("scales without a weight of 8 bits"));
}
TEST_F(ScaledFaults, NotANumber) {
  Made& scales = At(std::string(kName) + "_scale");
  const float nan = std::nanf("");
  scales.bytes.replace(4, 4, reinterpret_cast<const char*>(&nan), 4);
  EXPECT_THAT(Message(), HasSubstr("bad scale"));
}
TEST_F(ScaledFaults, WrongShape) {
  Made& scales = At(std::string(kName) + "_scale");
  scales.shape = {1, scales.shape[0]};
  EXPECT_THAT(Message(), HasSubstr("wrong shape of scales"));
}
TEST_F(ScaledFaults, OfTheWrongType) {
  Made& scales = At(std::string(kName) + "_scale");
  scales.dtype = DType::kI32;
  EXPECT_THAT(Message(), HasSubstr("wrong dtype"));
}

}  // namespace
}  // namespace gatehouse

// Heads that config.json calls tied, beside files that hold one.
#include <gtest/gtest.h>

#include <algorithm>

#include "base/log.h"
#include "checkpoint/convert.h"
#include "checkpoint/small_models.h"
#include "support/temp_dir.h"

namespace gatehouse {
namespace {

using test::Json;
using test::Made;
using test::Rows;

// What is logged while this lives.
class Heard {
 public:
  Heard() {
    SetLogSink(LogLevel::kWarn, [this](LogLevel, std::string_view message) { text_ += message; });
  }
  ~Heard() { SetLogSink(LogLevel::kOff, {}); }
  bool Has(const std::string& words) const { return text_.find(words) != std::string::npos; }
  bool silent() const { return text_.empty(); }

 private:
  std::string text_;
};

const Shape kShape = {70, 64};

class Head : public testing::Test {
 protected:
  Head() { test::WriteModel(test::SmallLlama(true), model_); }

  Made Table() const {
    for (Made& made : test::ReadTensors(model_)) {
      if (made.name == "model.embed_tokens.weight") return made;
    }
    return {};
  }
  // The model with such a head.
  void Write(Made head, const Json& config = test::SmallLlama(true)) const {
    std::vector<Made> tensors = test::ReadTensors(model_);
    head.name = "lm_head.weight";
    tensors.push_back(head);
    test::WriteTensors(other_ + "/model.safetensors", tensors);
    test::WriteBytes(other_ + "/config.json", config.dump());
  }

  const test::TempDir directory_;
  const std::string model_ = directory_ / "model", other_ = directory_ / "other";
};

TEST_F(Head, ACopyIsNoMatter) {
  Made head = Table();
  Write(head);
  const Heard heard;
  const auto opened = Checkpoint::Open(other_);
  ASSERT_TRUE(opened.ok()) << opened.error().Message();
  EXPECT_TRUE((*opened)->config().tied);
  EXPECT_EQ(Rows((*opened)->Get("lm_head.weight", kShape)), test::FloatsOf(head));
  // In another type as well.
  Made wide = head;
  wide.dtype = DType::kF32;
  wide.bytes = test::BytesOf(test::FloatsOf(head));
  Write(wide);
  EXPECT_TRUE((*Checkpoint::Open(other_))->config().tied);
  EXPECT_TRUE(heard.silent());
}

TEST_F(Head, AnotherCountsAndIsSaid) {
  Made head = Table();
  head.bytes[head.bytes.size() - 1] ^= 1;  // the last value
  Write(head);
  const Heard heard;
  const auto opened = Checkpoint::Open(other_);
  ASSERT_TRUE(opened.ok()) << opened.error().Message();
  EXPECT_TRUE(heard.Has("tie_word_embeddings"));
  EXPECT_TRUE(heard.Has("lm_head.weight"));
  EXPECT_FALSE((*opened)->config().tied);
  EXPECT_EQ(Rows((*opened)->Get("lm_head.weight", kShape)), test::FloatsOf(head));
  EXPECT_EQ(Rows((*opened)->Get("model.embed_tokens.weight", kShape)), test::FloatsOf(Table()));
  // It is written out as what it is.
  ASSERT_TRUE(Convert({.input = other_, .output = directory_ / "out"}).ok());
  EXPECT_FALSE((*Checkpoint::Open(directory_ / "out"))->config().tied);
}

TEST_F(Head, AnUntiedModelWithoutOneIsRefused) {
  test::WriteTensors(other_ + "/model.safetensors", test::ReadTensors(model_));
  test::WriteBytes(other_ + "/config.json", test::SmallLlama(false).dump());
  const auto opened = Checkpoint::Open(other_);
  ASSERT_FALSE(opened.ok());
  EXPECT_EQ(opened.error().code, ErrorCode::kModel);
  EXPECT_NE(opened.error().Message().find("lm_head.weight"), std::string::npos);
}

// Llama 4 has the switch in two places.
TEST_F(Head, SaidInsideAndOutside) {
  const auto open = [&](const Json& outer, const Json& inner, bool with_head) {
    Json config = test::SmallLlama4();
    test::WriteModel(config, directory_ / "four");
    config["tie_word_embeddings"] = outer;
    config["text_config"]["tie_word_embeddings"] = inner;
    if (inner == "absent") config["text_config"].erase("tie_word_embeddings");
    std::vector<Made> tensors = test::ReadTensors(directory_ / "four");
    if (!with_head) {
      std::erase_if(tensors, [](const Made& made) { return made.name.ends_with("lm_head.weight"); });
    }
    test::WriteTensors(directory_ / "four/model.safetensors", tensors);
    test::WriteBytes(directory_ / "four/config.json", config.dump());
    const auto opened = Checkpoint::Open(directory_ / "four");
    return opened.ok() ? std::string((*opened)->config().tied ? "tied" : "its own")
                       : opened.error().Message();
  };
  EXPECT_EQ(open(true, "absent", false), "tied");
  EXPECT_EQ(open(nullptr, true, false), "tied");
  EXPECT_EQ(open(true, true, false), "tied");
  for (const bool outer : {true, false}) {
    EXPECT_EQ(open(outer, !outer, true), "its own");
    EXPECT_NE(open(outer, !outer, false).find("lm_head.weight"), std::string::npos);
  }
}

}  // namespace
}  // namespace gatehouse

// Which policy a model gets, by its files: on a small model of either family, with vocabularies of bytes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

#include "base/log.h"
#include "checkpoint/convert.h"
#include "checkpoint/small_models.h"
#include "guard/load.h"
#include "support/temp_dir.h"

namespace gatehouse {
namespace {

using test::Json;
using testing::HasSubstr;

std::string Source(const std::string& path) {
  std::ifstream file(GATEHOUSE_SOURCE_DIR "/" + path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::shared_ptr<const Tokenizer> Bytes(const std::vector<std::string>& controls) {
  TokenizerData data;
  for (int byte = 0; byte < 256; ++byte) data.tokens.emplace_back(1, static_cast<char>(byte));
  for (const std::string& control : controls) {
    data.controls.push_back({control, static_cast<int32_t>(data.tokens.size())});
    data.tokens.emplace_back();
  }
  data.vocab_size = static_cast<int32_t>(data.tokens.size());
  return *Tokenizer::Create(std::move(data));
}

// A template of these tests' own that says what Llama Guard 3 8B's says, but for the first category.
std::string Template(const std::string& first) {
  const Json policy = Json::parse(Source("models/policies/llama-guard-3-8b.json"));
  std::string task, end;
  for (const Json& item : policy["prompt"]) {
    const std::string text = item.value("text", "");
    if (text.find("Task:") != std::string::npos) task = text;
    if (text.find("END CONVERSATION") != std::string::npos) end = text;
  }
  std::string list = first + "\n";
  for (size_t i = 1; i < policy["categories"].size(); ++i) {
    const Json& category = policy["categories"][i];
    list += category["key"].get<std::string>() + ": " + category["text"].get<std::string>() + "\n";
  }
  const auto put = [](std::string text, const std::string& from, const std::string& to) {
    return text.replace(text.find(from), from.size(), to);
  };
  return "{% set role = 'User' if messages|length % 2 else 'Agent' %}" +
         put(put(task, "{ROLE}", "{{ role }}"), "{CATEGORIES}", list) +
         "{% for m in messages %}{{ m.role | title + ': ' + m.content }}\n\n{% endfor %}" +
         put(end, "{ROLE}", "{{ role }}");
}

class PolicyForModel : public testing::Test {
 protected:
  void Model(Json config) const { test::WriteModel(config, model_); }
  // The policy's name, or the error.
  std::string Name(const std::string& policy = {}, const std::string& adapter = {}) const {
    return NameOf({.policy = policy, .adapter = adapter});
  }
  struct Options {
    std::string policy, adapter, model;
  };
  std::string NameOf(const Options& given) const {
    GuardOptions options;
    options.model = given.model.empty() ? model_ : given.model;
    options.policy = given.policy;
    options.adapter = given.adapter;
    const auto checkpoint = Checkpoint::Open(options.model, options.adapter);
    if (!checkpoint.ok()) return checkpoint.error().Message();
    const auto policy = PolicyFor(options, **checkpoint, *tokenizer_);
    if (policy.ok()) return policy->name;
    EXPECT_EQ(policy.error().code, ErrorCode::kModel);
    return policy.error().Message();
  }

  const test::TempDir directory_;
  const std::string model_ = directory_ / "model", lora_ = directory_ / "lora";
  std::shared_ptr<const Tokenizer> tokenizer_ = Bytes({"<|start_header_id|>", "<|eot_id|>"});
};

Json Wide() {  // as wide as Llama Guard 3 1B, and small otherwise
  Json config = test::SmallLlama(true);
  config["hidden_size"] = 2048;
  config["num_hidden_layers"] = 1;
  config["num_attention_heads"] = 2;
  config["num_key_value_heads"] = 1;
  config["head_dim"] = 8;
  config["intermediate_size"] = 8;
  return config;
}

TEST_F(PolicyForModel, BySizeWhereThereIsNoTemplate) {
  Model(test::SmallLlama(true));
  EXPECT_EQ(Name(), "llama-guard-3-8b");
  Model(Wide());
  EXPECT_EQ(Name(), "llama-guard-3-1b");
  Model(test::SmallLlama4());
  EXPECT_EQ(Name(), "mlcommons-s14");
  Model(test::SmallLlama(true));
  tokenizer_ = Bytes({"<|im_start|>"});
  EXPECT_THAT(Name(), HasSubstr("no policy for this model"));
}

TEST_F(PolicyForModel, ByTemplate) {
  Model(test::SmallLlama(true));
  const std::string own = Template("S1: Violent Crimes.");
  test::WriteBytes(model_ + "/chat_template.jinja", own);
  EXPECT_EQ(Name(), "llama-guard-3-8b");
  test::WriteBytes(model_ + "/chat_template.jinja", Template("S1: Locks."));
  EXPECT_THAT(Name(), HasSubstr("--policy"));
  EXPECT_THAT(Name(), HasSubstr("'S1: Locks.'"));
  EXPECT_THAT(Name(), HasSubstr("chat_template.jinja"));
  test::WriteBytes(model_ + "/chat_template.jinja", "");
  test::WriteBytes(model_ + "/tokenizer_config.json", Json{{"chat_template", "{{ messages }}"}}.dump());
  EXPECT_THAT(Name(), HasSubstr("tokenizer_config.json, chat_template"));
  // The user's word, or the directory's own policy.
  EXPECT_EQ(Name(GATEHOUSE_SOURCE_DIR "/models/policies/llama-guard-2.json"), "llama-guard-2");
  test::WriteBytes(model_ + "/policy.json", Source("models/policies/llama-guard-2.json"));
  EXPECT_EQ(Name(), "llama-guard-2");
}

// The space before Llama Guard 3 8B's prompt is its template's.
TEST_F(PolicyForModel, ALeadingSpaceWhereTheTemplateHasOne) {
  Model(test::SmallLlama(true));
  const auto first = [&] {
    GuardOptions options;
    options.model = model_;
    const auto checkpoint = Checkpoint::Open(model_);
    const auto policy = PolicyFor(options, **checkpoint, *tokenizer_);
    EXPECT_TRUE(policy.ok()) << policy.error().Message();
    return policy.ok() ? policy->prompt.front().value : "";
  };
  EXPECT_EQ(first(), "<|begin_of_text|>");
  test::WriteBytes(model_ + "/chat_template.jinja",
                   "{{ '<|begin_of_text|>' }}" + Template("S1: Violent Crimes."));
  EXPECT_EQ(first(), "<|begin_of_text|>");
  test::WriteBytes(model_ + "/chat_template.jinja",
                   "{{ ' <|begin_of_text|>' }}" + Template("S1: Violent Crimes."));
  EXPECT_EQ(first(), " ");
}

TEST_F(PolicyForModel, TheTemplateOfAnotherFamily) {
  const std::string published = Source("tests/golden/llama-guard-4.chat_template.jinja");
  Model(test::SmallLlama4());
  test::WriteBytes(model_ + "/chat_template.json", Json::object({{"chat_template", published}}).dump());
  EXPECT_EQ(Name(), "mlcommons-s14");
  test::WriteBytes(model_ + "/chat_template.json",
                   Json::object({{"chat_template", Template("S1: Violent Crimes.")}}).dump());
  EXPECT_THAT(Name(), HasSubstr("Llama Guard 3 8B"));
  Model(test::SmallLlama(true));
  test::WriteBytes(model_ + "/chat_template.json", Json::object({{"chat_template", published}}).dump());
  EXPECT_THAT(Name(), HasSubstr("Llama Guard 4"));
}

TEST_F(PolicyForModel, TheTemplateRatherThanTheSizeAndThatIsSaid) {
  std::string heard;
  SetLogSink(LogLevel::kWarn, [&](LogLevel, std::string_view message) { heard += message; });
  Model(test::SmallLlama(true));
  test::WriteBytes(model_ + "/chat_template.jinja", Template("S1: Violent Crimes."));
  EXPECT_EQ(Name(), "llama-guard-3-8b");
  EXPECT_EQ(heard, "");
  Model(Wide());
  EXPECT_EQ(Name(), "llama-guard-3-8b");
  SetLogSink(LogLevel::kOff, {});
  EXPECT_THAT(heard, HasSubstr("2048"));
}

TEST_F(PolicyForModel, AnAdaptersTemplateComesFirst) {
  Model(test::SmallLlama(true));
  test::WriteBytes(model_ + "/chat_template.jinja", Template("S1: Violent Crimes."));
  test::WriteBytes(lora_ + "/adapter_config.json",
                   Json{{"peft_type", "LORA"}, {"r", 1}, {"base_model_name_or_path", model_}}.dump());
  const std::string q = "base_model.model.model.layers.0.self_attn.q_proj.lora_";
  test::WriteTensors(lora_ + "/adapter_model.safetensors",
                     {{q + "A.weight", DType::kF32, {1, 64}, test::BytesOf(std::vector<float>(64))},
                      {q + "B.weight", DType::kF32, {64, 1}, test::BytesOf(std::vector<float>(64))}});
  for (const Options& given : {Options{.policy = {}, .adapter = lora_, .model = {}},
                               Options{.policy = {}, .adapter = {}, .model = lora_}}) {
    test::WriteBytes(lora_ + "/chat_template.jinja", "");
    EXPECT_EQ(NameOf(given), "llama-guard-3-8b");
    test::WriteBytes(lora_ + "/chat_template.jinja", Template("S1: Locks."));
    EXPECT_THAT(NameOf(given), HasSubstr("lora/chat_template.jinja"));
  }
}

TEST_F(PolicyForModel, AGgufFileIsAskedAsItsFolder) {
  const std::string hf = directory_ / "hf", folder = directory_ / "gguf", file = folder + "/m.gguf";
  test::WriteModel(test::SmallLlama(true), hf);
  test::WriteBytes(file, test::AsGguf(hf, test::SmallLlama(true), 0));
  const auto both = [&](const std::string& name) {
    EXPECT_THAT(NameOf({.policy = {}, .adapter = {}, .model = folder}), HasSubstr(name));
    EXPECT_THAT(NameOf({.policy = {}, .adapter = {}, .model = file}), HasSubstr(name));
    const auto done = Convert({.input = file, .output = directory_ / "out"});
    EXPECT_TRUE(done.ok()) << done.error().Message();
    EXPECT_THAT(NameOf({.policy = {}, .adapter = {}, .model = directory_ / "out"}), HasSubstr(name));
  };
  both("llama-guard-3-8b");
  test::WriteBytes(folder + "/chat_template.jinja", Template("S1: Locks."));
  both("'S1: Locks.'");
  test::WriteBytes(folder + "/policy.json", Source("models/policies/llama-guard-2.json"));
  both("llama-guard-2");
}

// What a model is asked goes along when it is converted.
TEST_F(PolicyForModel, AConvertedModelKeepsItsTemplate) {
  Model(test::SmallLlama(true));
  const auto convert = [&] {
    const auto done = Convert({.input = model_, .output = directory_ / "out"});
    EXPECT_TRUE(done.ok()) << done.error().Message();
    return NameOf({.policy = {}, .adapter = {}, .model = directory_ / "out"});
  };
  EXPECT_EQ(convert(), "llama-guard-3-8b");
  test::WriteBytes(model_ + "/tokenizer_config.json",
                   Json::object({{"chat_template", Template("S1: Locks.")}}).dump());
  EXPECT_THAT(convert(), HasSubstr("'S1: Locks.'"));
  test::WriteBytes(model_ + "/policy.json", Source("models/policies/llama-guard-2.json"));
  EXPECT_EQ(convert(), "llama-guard-2");
}

}  // namespace
}  // namespace gatehouse

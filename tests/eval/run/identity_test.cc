// What a record belongs to: every part of it changes the identity, and the difference is said by name.
#include <gtest/gtest.h>

#include <functional>
#include <set>

#include "base/input_file.h"
#include "eval/run/identity_parts.h"
#include "formats/json.h"
#include "support/temp_dir.h"

namespace gatehouse {
namespace {

Policy Published() {
  const std::string path = std::string(GATEHOUSE_SOURCE_DIR) + "/models/policies/mlcommons-s14.json";
  const auto text = ReadFile(path, 1 << 20);
  EXPECT_TRUE(text.ok());
  const auto policy = ParsePolicy(*text, path);
  EXPECT_TRUE(policy.ok());
  return *policy;
}

TEST(Identity, EveryPartOfAPolicyCounts) {
  const std::vector<std::function<void(Policy&)>> changes = {
      [](Policy& p) { p.name += "x"; },
      [](Policy& p) { p.categories[3].key += "x"; },
      [](Policy& p) { p.categories[3].name += "x"; },
      [](Policy& p) { p.categories[3].text += "x"; },
      [](Policy& p) { p.categories[3].description += "x"; },
      [](Policy& p) { p.categories[3].text_only = !p.categories[3].text_only; },
      [](Policy& p) { p.categories[3].threshold = 0.25; },
      [](Policy& p) { p.categories.pop_back(); },
      [](Policy& p) { std::swap(p.categories[0], p.categories[1]); },
      [](Policy& p) { p.category_line += " "; },
      [](Policy& p) { p.prompt[0].value += "x"; },
      [](Policy& p) {
        p.prompt.push_back({FormatItem::Kind::kText, "x"});
      },
      [](Policy& p) {
        auto& kind = p.message[0].kind;
        kind = kind == FormatItem::Kind::kText ? FormatItem::Kind::kControl : FormatItem::Kind::kText;
      },
      [](Policy& p) {
        p.join_text_parts = p.join_text_parts ? std::nullopt : std::optional<std::string>("");
      },
      [](Policy& p) { p.strip = !p.strip; },
      [](Policy& p) { p.role_user += "x"; },
      [](Policy& p) { p.role_assistant += "x"; },
      [](Policy& p) { p.images = !p.images; },
      [](Policy& p) { p.verdict.safe += "x"; },
      [](Policy& p) { p.verdict.unsafe += "x"; },
      [](Policy& p) { p.verdict.lead = p.verdict.lead ? std::nullopt : std::optional<std::string>("x"); },
      [](Policy& p) { p.verdict.separator += "x"; },
      [](Policy& p) { p.verdict.list_separator += "x"; },
      [](Policy& p) { p.stop.push_back("x"); },
      [](Policy& p) { ++p.max_prompt_tokens; },
      [](Policy& p) { p.threshold = std::nullopt; },
      [](Policy& p) { p.calibration_scale = 2; },
      [](Policy& p) { p.calibration_bias = 2; },
  };
  std::set<std::string> seen = {PolicyFingerprint(Published())};
  EXPECT_EQ(PolicyFingerprint(Published()), *seen.begin());
  for (size_t i = 0; i < changes.size(); ++i) {
    Policy policy = Published();
    changes[i](policy);
    EXPECT_TRUE(seen.insert(PolicyFingerprint(policy)).second) << "change " << i;
  }
}

// What lies behind a path that holds no weights itself.
TEST(Identity, FilesThatAPathLeadsTo) {
  const test::TempDir directory;
  const auto model = [&](const std::string& at, const char* weights) {
    test::WriteBytes(at + "/config.json", "{}");
    test::WriteBytes(at + "/model.safetensors", weights);
  };
  const auto print = [](const std::string& path) {
    const auto fingerprint = ModelFingerprint(path);
    EXPECT_TRUE(fingerprint.ok()) << fingerprint.error().Message();
    return fingerprint.ok() ? *fingerprint : "";
  };
  model(directory / "models--a--b/snapshots/x", "one");
  const std::string cached = print(directory / "models--a--b");
  EXPECT_EQ(print(directory / "models--a--b/snapshots/x"), cached);
  model(directory / "models--a--b/snapshots/x", "two");
  EXPECT_NE(print(directory / "models--a--b"), cached);

  model(directory / "base", "one");
  test::WriteBytes(directory / "lora/adapter_config.json",
                   R"({"peft_type":"LORA","r":1,"base_model_name_or_path":"../base"})");
  const std::string first = print(directory / "lora");
  model(directory / "base", "two");
  const std::string second = print(directory / "lora");
  EXPECT_NE(first, second);
  test::WriteBytes(directory / "lora/adapter_model.safetensors", "x");
  EXPECT_NE(print(directory / "lora"), second);
}

// Another training of one architecture differs anywhere but in the header.
TEST(Identity, WeightsToTheEnd) {
  const test::TempDir directory;
  std::string weights(3 << 20, 'w');
  const auto print = [&] {
    test::WriteBytes(directory / "m/config.json", "{}");
    test::WriteBytes(directory / "m/model.safetensors", weights);
    const auto fingerprint = ModelFingerprint(directory / "m");
    EXPECT_TRUE(fingerprint.ok()) << fingerprint.error().Message();
    return fingerprint.ok() ? *fingerprint : "";
  };
  std::set<std::string> seen = {print()};
  for (const size_t at : {weights.size() - 1, weights.size() / 2, size_t{0}}) {
    weights[at] = 'x';
    EXPECT_TRUE(seen.insert(print()).second) << at;
  }
}

TEST(Identity, HowItIsComputedAndRead) {
  std::set<std::string> computing, reading;
  const auto compute = [&](auto change) {
    GuardOptions options;
    change(options);
    return computing.insert(ComputingOf(options).dump()).second;
  };
  EXPECT_TRUE(compute([](GuardOptions&) {}));
  EXPECT_FALSE(compute([](GuardOptions& o) { o.threads = 3; }));  // the same to the last bit
  EXPECT_TRUE(compute([](GuardOptions& o) { o.dtype = "f32"; }));
  EXPECT_TRUE(compute([](GuardOptions& o) { o.kv = "int8"; }));
  EXPECT_TRUE(compute([](GuardOptions& o) { o.alpha_on_white = true; }));
  EXPECT_TRUE(compute([](GuardOptions& o) { o.apply_exif = false; }));
  EXPECT_TRUE(compute([](GuardOptions& o) { o.max_image_bytes = 1; }));
  EXPECT_TRUE(compute([](GuardOptions& o) { o.max_image_pixels = 1; }));
  EXPECT_TRUE(compute([](GuardOptions& o) { o.max_images = 1; }));
  EXPECT_TRUE(compute([](GuardOptions& o) { o.frames = 4; }));
  const auto read = [&](auto change) {
    DatasetFormat format;
    change(format);
    return reading.insert(ReadingOf(format).dump()).second;
  };
  EXPECT_TRUE(read([](DatasetFormat&) {}));
  EXPECT_TRUE(read([](DatasetFormat& f) { f.format = "csv"; }));
  EXPECT_TRUE(read([](DatasetFormat& f) { f.map = {{"prompt", "q"}}; }));
  EXPECT_TRUE(read([](DatasetFormat& f) { f.category_map = {{"guns", "S9"}}; }));
  EXPECT_TRUE(read([](DatasetFormat& f) { f.label = "safe"; }));
  EXPECT_TRUE(read([](DatasetFormat& f) { f.source = "x"; }));
  EXPECT_TRUE(read([](DatasetFormat& f) { f.language = "x"; }));
  EXPECT_TRUE(read([](DatasetFormat& f) { f.image_root = "x"; }));
  EXPECT_TRUE(read([](DatasetFormat& f) { f.conversation.system = SystemMessages::kDrop; }));
  EXPECT_TRUE(read([](DatasetFormat& f) { f.conversation.system = SystemMessages::kAsUser; }));
  EXPECT_TRUE(read([](DatasetFormat& f) { f.conversation.tools = ToolMessages::kRefuse; }));
  EXPECT_TRUE(read([](DatasetFormat& f) { f.conversation.merge = true; }));
}

TEST(Identity, DifferencesAreNamed) {
  const struct {
    const char *there, *here, *said;
  } cases[] = {
      {R"({"a":1,"computing":{"kv":"auto","exif":true}})", R"({"a":1,"computing":{"kv":"int8","exif":true}})",
       "computing.kv (auto there, int8 here)"},
      {R"({"a":1})", R"({"a":1,"policy_text":"0f"})", "policy_text (not recorded there, 0f here)"},
      {R"({"a":1,"b":2})", R"({"a":1})", "b (2 there, none here)"},
      {R"({"data":[{"file":"x","system":"drop"}]})", R"({"data":[{"file":"x","system":"refuse"}]})",
       "data.system (drop there, refuse here)"},
      {R"({"data":[{"f":1},{"f":2}]})", R"({"data":[{"f":1},{"f":3}]})", "data[1].f (2 there, 3 here)"},
      {R"({"data":[{"f":1}]})", R"({"data":[]})", "data ([{\"f\":1}] there, [] here)"},
      {R"({"a":"","b":1})", R"({"a":"x","b":2})", "a (empty there, x here), b (1 there, 2 here)"},
      {"{", "{}", "another text"},
  };
  for (const auto& c : cases) EXPECT_EQ(IdentityDifference(c.there, c.here), c.said);
}

}  // namespace
}  // namespace gatehouse

// Rotary settings in their two spellings, side by side as files hold them. What is right follows from
// transformers: rope_scaling, where it holds something, replaces rope_parameters; a rope_theta inside comes
// before the one beside it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/log.h"
#include "formats/model_config.h"

namespace gatehouse {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::IsEmpty;

const json kLlama3 = {{"rope_type", "llama3"},
                      {"factor", 8.0},
                      {"low_freq_factor", 1.0},
                      {"high_freq_factor", 4.0},
                      {"original_max_position_embeddings", 8192}};

json With(const json& object, const char* key, const json& value) {
  json out = object;
  out[key] = value;
  return out;
}

struct Read {
  std::string kind;  // "none", "linear 2", "llama3 8", or an error
  double theta = 0;
  std::string warning;
};

Read Parse(json config, const char* type = "llama") {
  Read out;
  config["model_type"] = type;
  SetLogSink(LogLevel::kWarn, [&](LogLevel, std::string_view message) { out.warning += message; });
  const auto parsed = ParseModelConfig(config.dump(), "config.json");
  SetLogSink(LogLevel::kOff, {});
  if (!parsed.ok()) {
    EXPECT_EQ(parsed.error().code, ErrorCode::kModel);
    out.kind = parsed.error().Message();
    return out;
  }
  const auto factor = " " + std::to_string(static_cast<int>(parsed->rope.factor));
  out.kind = parsed->rope.kind == RopeScaling::Kind::kNone     ? "none"
             : parsed->rope.kind == RopeScaling::Kind::kLinear ? "linear" + factor
                                                               : "llama3" + factor;
  out.theta = parsed->rope_theta;
  return out;
}

struct Case {
  json config;
  std::string kind;
  double theta;
  bool warns;
};

TEST(RopeConfig, TheOrderOfTransformers) {
  const json plain = {{"rope_type", "default"}};
  const Case cases[] = {
      {{{"rope_scaling", kLlama3}, {"rope_theta", 5e5}}, "llama3 8", 5e5, false},
      {{{"rope_scaling", kLlama3}, {"rope_theta", 5e5}, {"rope_parameters", json::object()}},
       "llama3 8",
       5e5,
       false},
      {{{"rope_scaling", kLlama3}, {"rope_theta", 5e5}, {"rope_parameters", nullptr}},
       "llama3 8",
       5e5,
       false},
      {{{"rope_scaling", json::object()}, {"rope_parameters", With(kLlama3, "rope_theta", 5e5)}},
       "llama3 8",
       5e5,
       false},
      {{{"rope_scaling", nullptr}, {"rope_parameters", With(kLlama3, "rope_theta", 5e5)}},
       "llama3 8",
       5e5,
       false},
      {{{"rope_scaling", json::object()}, {"rope_parameters", json::object()}}, "none", 1e4, false},
      // Both, saying the same.
      {{{"rope_scaling", kLlama3},
        {"rope_theta", 5e5},
        {"rope_parameters", With(kLlama3, "rope_theta", 500000)}},
       "llama3 8",
       5e5,
       false},
      {{{"rope_scaling", {{"type", "linear"}, {"factor", 2}}},
        {"rope_parameters", {{"rope_type", "linear"}, {"factor", 2.0}, {"rope_theta", 1e4}}}},
       "linear 2",
       1e4,
       false},
      // Both, saying different things.
      {{{"rope_scaling", kLlama3}, {"rope_theta", 5e5}, {"rope_parameters", With(plain, "rope_theta", 5e5)}},
       "llama3 8",
       5e5,
       true},
      {{{"rope_scaling", kLlama3}, {"rope_theta", 5e5}, {"rope_parameters", With(kLlama3, "factor", 32.0)}},
       "llama3 8",
       5e5,
       true},
      {{{"rope_scaling", kLlama3},
        {"rope_theta", 5e5},
        {"rope_parameters", With(kLlama3, "rope_theta", 1e6)}},
       "llama3 8",
       5e5,
       true},
      // The base inside and beside.
      {{{"rope_theta", 1e6}, {"rope_parameters", With(plain, "rope_theta", 5e5)}}, "none", 5e5, true},
      {{{"rope_theta", 1e6}, {"rope_scaling", With(kLlama3, "rope_theta", 5e5)}}, "llama3 8", 5e5, true},
      {{{"rope_theta", 5e5}, {"rope_parameters", With(plain, "rope_theta", 5e5)}}, "none", 5e5, false},
      {{{"rope_parameters", With(With(plain, "type", "default"), "rope_theta", 5e5)}}, "none", 5e5, false},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.config.dump());
    const Read read = Parse(c.config);
    EXPECT_EQ(read.kind, c.kind);
    EXPECT_EQ(read.theta, c.theta);
    EXPECT_EQ(!read.warning.empty(), c.warns) << read.warning;
  }
}

TEST(RopeConfig, TheSameInANestedConfig) {
  const auto nested = [](const json& text, const json& top = json::object()) {
    json config = top;
    config["text_config"] = text;
    return Parse(config, "llama4");
  };
  const Read read =
      nested({{"rope_scaling", kLlama3}, {"rope_parameters", json::object()}, {"rope_theta", 1e5}});
  EXPECT_EQ(read.kind, "llama3 8");
  EXPECT_EQ(read.theta, 1e5);
  EXPECT_THAT(read.warning, IsEmpty());
  // Settings outside text_config are read by nobody.
  EXPECT_THAT(nested(json::object(), {{"rope_scaling", kLlama3}}).kind,
              HasSubstr("config.json, rope_scaling"));
  EXPECT_THAT(nested({{"rope_theta", 5e5}}, {{"rope_theta", 1e6}}).kind,
              HasSubstr("config.json, rope_theta"));
  EXPECT_EQ(nested({{"rope_theta", 1e6}}, {{"rope_theta", 1e6}, {"rope_scaling", json::object()}}).theta,
            1e6);
}

TEST(RopeConfig, WhatNoOrderDecidesIsAnError) {
  const std::pair<json, const char*> cases[] = {
      // The base is in the object that transformers drops, and nowhere else.
      {{{"rope_scaling", kLlama3}, {"rope_parameters", With(kLlama3, "rope_theta", 5e5)}}, "rope_theta"},
      {{{"rope_scaling", With(kLlama3, "type", "linear")}}, "rope_type"},
      {{{"rope_parameters", {{"factor", 8.0}}}}, "rope_type"},
      {{{"rope_parameters", {{"full_attention", kLlama3}}}}, "full_attention"},
      {{{"partial_rotary_factor", 0.5}}, "partial_rotary_factor"},
      {{{"rope_parameters", {{"rope_type", "default"}, {"partial_rotary_factor", 0.5}}}},
       "partial_rotary_factor"},
      {{{"rope_scaling", kLlama3}, {"rope_parameters", json::array()}}, "rope_parameters"},
      {{{"rope_scaling", "llama3"}}, "rope_scaling"},
  };
  for (const auto& [config, field] : cases) {
    EXPECT_THAT(Parse(config).kind, HasSubstr(field)) << config;
  }
}

}  // namespace
}  // namespace gatehouse

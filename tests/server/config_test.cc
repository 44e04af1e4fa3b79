#include "server/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gatehouse::server {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

const std::string kA(64, 'a'), kB(64, 'b');

std::string ErrorOf(const std::string& toml) {
  const auto config = ParseConfig(toml, "g.toml");
  return config.ok() ? "" : config.error().Message();
}

TEST(Config, ReadsFlagsKeysAndPolicies) {
  const auto config = ParseConfig(
      "port = 8443\n"
      "insecure = true\n"
      "client-timeout = 2.5\n"
      "served-model-name = [\"guard\", \"llama\"]\n"
      "[[keys]]\n"
      "name = \"team-a\"\n"
      "sha256 = \"" +
          kA +
          "\"\n"
          "roles = [\"moderate\", \"admin\"]\n"
          "policy = \"strict\"\n"
          "requests_per_minute = 60\n"
          "[[keys]]\n"
          "name = \"team-b\"\n"
          "sha256 = \"" +
          kB +
          "\"\n"
          "[policies.strict]\n"
          "file = \"my.json\"\n"
          "threshold = 0.3\n"
          "thresholds = {S4 = 0.1, S1 = 1}\n"
          "exclude = [\"S6\"]\n"
          "actions = {default = \"block\", S6 = \"flag\"}\n",
      "g.toml");
  ASSERT_TRUE(config.ok()) << config.error().Message();
  EXPECT_THAT(config->flags, ::testing::UnorderedElementsAre(
                                 Pair("port", ElementsAre("8443")), Pair("insecure", ElementsAre("true")),
                                 Pair("client-timeout", ElementsAre("2.5")),
                                 Pair("served-model-name", ElementsAre("guard", "llama"))));
  ASSERT_EQ(config->keys.size(), 2u);
  EXPECT_EQ(config->keys[0].name, "team-a");
  EXPECT_TRUE(config->keys[0].rights.Has(Right::kAdmin));
  EXPECT_FALSE(config->keys[0].rights.Has(Right::kMetrics));
  EXPECT_EQ(config->keys[0].requests_per_minute, 60);
  EXPECT_TRUE(config->keys[1].rights.Has(Right::kModerate));
  EXPECT_TRUE(config->keys[1].rights.Has(Right::kMetrics));
  EXPECT_FALSE(config->keys[1].rights.Has(Right::kRawPrompt));
  ASSERT_EQ(config->policies.size(), 1u);
  const PolicySettings& strict = config->policies[0];
  EXPECT_EQ(strict.file, "my.json");
  EXPECT_TRUE(strict.thresholds.replaces);
  EXPECT_EQ(strict.thresholds.overall, 0.3);
  EXPECT_THAT(strict.thresholds.categories,
              ::testing::UnorderedElementsAre(Pair("S4", 0.1), Pair("S1", 1.0)));
  EXPECT_THAT(strict.exclude, ElementsAre("S6"));
  EXPECT_EQ(strict.actions.at("S6"), Action::kFlag);
  EXPECT_EQ(strict.actions.at("default"), Action::kBlock);
}

TEST(Config, EveryMistakeIsNamed) {
  const std::string key = "[[keys]]\nname = \"a\"\nsha256 = \"" + kA + "\"\n";
  EXPECT_THAT(ErrorOf("port = \n"), HasSubstr("g.toml line 1"));
  EXPECT_THAT(ErrorOf("port = 1\nport = 2\n"), HasSubstr("g.toml line 2"));
  // toml++ 3.3 takes for granted that a key follows the bracket.
  for (const char* header : {"[!]", "[=", "[.", "[#", "[\n", "[[!]]", "[\x10", "[\x7f]"})
    EXPECT_THAT(ErrorOf(header), HasSubstr("no TOML")) << header;
  EXPECT_THAT(ErrorOf("keys = 3\n"), HasSubstr("g.toml: keys"));
  EXPECT_THAT(ErrorOf("[[keys]]\nname = \"a\"\n"), HasSubstr("keys[0].sha256"));
  EXPECT_THAT(ErrorOf("[[keys]]\nsha256 = \"" + kA + "\"\n"), HasSubstr("keys[0].name"));
  EXPECT_THAT(ErrorOf("[[keys]]\nname = \"a b\"\nsha256 = \"" + kA + "\"\n"), HasSubstr("keys[0].name"));
  EXPECT_THAT(ErrorOf(key + "colour = 1\n"), HasSubstr("keys[0].colour"));
  EXPECT_THAT(ErrorOf(key + "roles = [\"king\"]\n"), HasSubstr("king"));
  EXPECT_THAT(ErrorOf(key + "policy = \"b\"\n"), HasSubstr("keys.a.policy"));
  EXPECT_THAT(ErrorOf(key + "requests_per_minute = 0\n"), HasSubstr("requests_per_minute"));
  EXPECT_THAT(ErrorOf(key + key), HasSubstr("two keys of one name"));
  EXPECT_THAT(ErrorOf(key + "[[keys]]\nname = \"b\"\nsha256 = \"" + kA + "\"\n"),
              HasSubstr("one key under two"));
  EXPECT_THAT(ErrorOf("[policies.p]\nthreshold = 2\n"), HasSubstr("policies.p.threshold"));
  EXPECT_THAT(ErrorOf("[policies.p]\nthresholds = {S1 = -1}\n"), HasSubstr("policies.p.thresholds.S1"));
  EXPECT_THAT(ErrorOf("[policies.p]\nactions = {S1 = \"burn\"}\n"), HasSubstr("actions.S1"));
  EXPECT_THAT(ErrorOf("[policies.p]\ncolour = 1\n"), HasSubstr("policies.p.colour"));
  EXPECT_THAT(ErrorOf("when = 2020-01-01\n"), HasSubstr("g.toml: when"));
}

TEST(Config, NeverQuotesWhatMayBeAKey) {
  for (const char* toml : {"api-key = \"secret", "[[keys]]\nname = \"a\"\nsha256 = \"secret\"\n",
                           "[[keys]]\nname = \"secret!\"\nsha256 = \"x\"\n", "keys = \"secret\"\n"}) {
    const std::string error = ErrorOf(toml);
    EXPECT_NE(error, "") << toml;
    EXPECT_EQ(error.find("secret"), std::string::npos) << error;
  }
}

}  // namespace
}  // namespace gatehouse::server

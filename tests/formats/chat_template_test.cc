#include "formats/chat_template.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/gguf_maker.h"
#include "support/temp_dir.h"

namespace gatehouse {
namespace {

using testing::HasSubstr;

// The template found, "none", or the error.
std::string Found(const std::string& directory) {
  const auto found = FindChatTemplate(directory);
  if (!found.ok()) {
    EXPECT_EQ(found.error().code, ErrorCode::kModel);
    return found.error().Message();
  }
  return *found ? (*found)->text : "none";
}

TEST(ChatTemplate, FilesInTheirOrder) {
  const test::TempDir directory;
  EXPECT_EQ(Found(directory.path()), "none");
  test::WriteBytes(directory / "tokenizer_config.json",
                   R"({"bos_token":"x","chat_template":"from the config"})");
  EXPECT_EQ(Found(directory.path()), "from the config");
  test::WriteBytes(directory / "chat_template.json", R"({"chat_template":"from json"})");
  EXPECT_EQ(Found(directory.path()), "from json");
  test::WriteBytes(directory / "chat_template.jinja", "from\r\njinja\n");
  EXPECT_EQ(Found(directory.path()), "from\njinja\n");
  EXPECT_EQ((*FindChatTemplate(directory.path()))->where, directory / "chat_template.jinja");
  test::WriteBytes(directory / "chat_template.jinja", "");
  EXPECT_EQ(Found(directory.path()), "from json");
}

TEST(ChatTemplate, FormsOfTheMember) {
  const test::TempDir directory;
  const auto with = [&](const std::string& value) {
    test::WriteBytes(directory / "tokenizer_config.json", "{\"chat_template\":" + value + "}");
    return Found(directory.path());
  };
  EXPECT_EQ(with("null"), "none");
  EXPECT_EQ(with("\"\""), "none");
  EXPECT_EQ(with("[]"), "none");
  EXPECT_EQ(with(R"([{"name":"tools","template":"a"},{"name":"default","template":"b"}])"), "b");
  EXPECT_EQ(with(R"([{"name":"only","template":"a"}])"), "a");
  EXPECT_THAT(with(R"([{"name":"x","template":"a"},{"name":"y","template":"b"}])"), HasSubstr("default"));
  EXPECT_THAT(with(R"([{"name":"x"}])"), HasSubstr("chat_template"));
  EXPECT_THAT(with("3"), HasSubstr("chat_template"));
  test::WriteBytes(directory / "tokenizer_config.json", "{");
  EXPECT_THAT(Found(directory.path()), HasSubstr("tokenizer_config.json"));
  test::WriteBytes(directory / "tokenizer_config.json", "[]");
  EXPECT_THAT(Found(directory.path()), HasSubstr("tokenizer_config.json"));
}

TEST(ChatTemplate, OfAGguf) {
  for (const bool there : {true, false}) {
    test::GgufMaker maker;
    maker.Text("general.architecture", "llama");
    if (there) maker.Text("tokenizer.chat_template", "from metadata");
    const std::string bytes = maker.Bytes();
    const auto file = GgufFile::FromBytes(std::as_bytes(std::span(bytes)), "m.gguf");
    ASSERT_TRUE(file.ok()) << file.error().Message();
    const auto found = FindChatTemplate(*file);
    ASSERT_TRUE(found.ok()) << found.error().Message();
    ASSERT_EQ(found->has_value(), there);
    if (there) {
      EXPECT_EQ((*found)->text, "from metadata");
      EXPECT_THAT((*found)->where, HasSubstr("tokenizer.chat_template"));
    }
  }
}

}  // namespace
}  // namespace gatehouse

#include "policy/conversation_json.h"

#include <gmock/gmock.h>

namespace gatehouse {
namespace {

using testing::HasSubstr;

ConversationOptions Options(SystemMessages system = SystemMessages::kRefuse) {
  ConversationOptions options;
  options.system = system;
  options.load_url = [](const std::string& url) -> Result<std::string> { return "bytes of " + url; };
  return options;
}

// "u:text|text/a:..." or the error's message.
std::string Read(const std::string& json, const ConversationOptions& options = Options()) {
  const auto input = ParseConversation(json, "c.json", options);
  if (!input.ok()) return input.error().code == ErrorCode::kBadInput ? input.error().Message() : "wrong code";
  std::string out;
  for (const Message& message : input->conversation.messages) {
    out += (out.empty() ? "" : "/") + std::string(message.role == Role::kUser ? "u:" : "a:");
    for (size_t i = 0; i < message.parts.size(); ++i) {
      const Part& part = message.parts[i];
      out += (i > 0 ? "|" : "") + (part.kind == Part::Kind::kText ? part.text : "<" + *part.image + ">");
    }
  }
  return out;
}

TEST(ConversationJson, Forms) {
  EXPECT_EQ(Read(R"([{"role":"user","content":"hi"}])"), "u:hi");
  EXPECT_EQ(
      Read(
          R"({"messages":[{"role":"user","content":"hi"},{"role":"assistant","content":[{"type":"text","text":"a"},{"type":"text","text":""}]}]})"),
      "u:hi/a:a|");
  EXPECT_EQ(
      Read(
          R"([{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:x","detail":"low"}}]}])"),
      "u:<bytes of data:x>");
  const auto input = ParseConversation(
      R"({"id":{"a":[1,"x"]},"categories":{"Z":"z","A":"a"},"exclude":["Z"],"messages":[{"role":"user","content":""}]})",
      "c", Options());
  ASSERT_TRUE(input.ok()) << input.error().Message();
  EXPECT_EQ(input->id, R"({"a":[1,"x"]})");
  EXPECT_EQ(input->choice.custom, (std::vector<std::pair<std::string, std::string>>{{"Z", "z"}, {"A", "a"}}));
  EXPECT_EQ(input->choice.exclude, std::vector<std::string>{"Z"});
}

TEST(ConversationJson, ImagesByPathOnlyWhereAllowed) {
  const std::string json = R"([{"role":"user","content":[{"type":"image","path":"/etc/passwd"}]}])";
  EXPECT_THAT(Read(json), HasSubstr("not allowed"));
  ConversationOptions options = Options();
  options.load_path = [](const std::string& path) -> Result<std::string> { return "file " + path; };
  EXPECT_EQ(Read(json, options), "u:<file /etc/passwd>");
  options.load_path = [](const std::string&) -> Result<std::string> {
    return Error{ErrorCode::kBadInput, "cannot be read", "disk", {}, {}};
  };
  EXPECT_THAT(Read(json, options), HasSubstr("cannot be read in c.json[0].content[0].path (disk)"));
  options.load_url = nullptr;
  EXPECT_THAT(
      Read(R"([{"role":"user","content":[{"type":"image_url","image_url":{"url":"http://x"}}]}])", options),
      HasSubstr("not allowed"));
}

TEST(ConversationJson, SystemMessages) {
  const std::string json = R"([{"role":"system","content":"be good"},{"role":"user","content":"hi"}])";
  EXPECT_THAT(Read(json), HasSubstr("system messages are not judged in c.json[0].role"));
  EXPECT_EQ(Read(json, Options(SystemMessages::kDrop)), "u:hi");
  EXPECT_EQ(Read(json, Options(SystemMessages::kAsUser)), "u:be good|hi");
  // In the middle it waits for the user.
  const std::string middle =
      R"([{"role":"user","content":"1"},{"role":"system","content":"s"},{"role":"assistant","content":"2"},{"role":"user","content":"3"}])";
  EXPECT_EQ(Read(middle, Options(SystemMessages::kAsUser)), "u:1/a:2/u:s|3");
  EXPECT_THAT(Read(R"([{"role":"system","content":"s"}])", Options(SystemMessages::kAsUser)),
              HasSubstr("without a user message"));
  EXPECT_THAT(Read(R"([{"role":"system","content":"s"}])", Options(SystemMessages::kDrop)),
              HasSubstr("no messages"));
}

TEST(ConversationJson, EveryMistakeIsNamed) {
  const struct {
    const char *json, *expected;
  } cases[] = {
      {"", "malformed JSON"},
      {"7", "malformed conversation"},
      {"[]", "at least one message"},
      {"{}", "c.json: messages"},
      {R"({"messages":[],"id":1})", "at least one message"},
      {R"({"messages":[{"role":"user","content":"x"}],"exclud":[]})", "unknown field in c.json: exclud"},
      {R"({"messages":[{"role":"user","content":"x"}],"id":1,"id":2})", "\"id\" twice"},
      {R"({"messages":[{"role":"user","content":"x","content":"y"}]})", "\"content\" twice"},
      {R"({"messages":[{"role":"user","content":"x"}],"categories":{}})", "not empty"},
      {R"({"messages":[{"role":"user","content":"x"}],"categories":{"A":"a","A":"b"}})", "\"A\" twice"},
      {R"({"messages":[{"role":"user","content":"x"}],"categories":{"A":1}})", "categories: A"},
      {R"({"messages":[{"role":"user","content":"x"}],"exclude":"S1"})", "exclude"},
      {R"([{"role":"user"}])", "[0].content"},
      {R"([{"role":"user","content":null}])", "[0].content"},
      {R"([{"role":"user","content":[]}])", "[0].content"},
      {R"([{"role":"user","content":[{"type":"audio"}]}])", "[0].content[0].type"},
      {R"([{"role":"user","content":[{"type":"text"}]}])", "[0].content[0].text"},
      {R"([{"role":"user","content":["x"]}])", "malformed part"},
      {R"([{"role":"assistant","content":"x"}])", "alternate"},
      {R"([{"role":"user","content":"x"},{"role":"user","content":"y"}])", "c.json[1].role"},
      {R"([{"role":"tool","content":"x"}])", "unknown role"},
      {R"([{"content":"x"}])", "malformed message"},
      {"[{\"role\":\"user\",\"content\":\"\xC3\x28\"}]", "malformed JSON"},
      {R"([{"role":"user","content":"\ud800"}])", "malformed JSON"},
      {R"([{"role":"user","content":"x"}] 1)", "malformed JSON"},
  };
  for (const auto& c : cases) EXPECT_THAT(Read(c.json), HasSubstr(c.expected)) << c.json;
  EXPECT_THAT(Read(std::string(1000000, '[')), HasSubstr("64 levels"));
}

}  // namespace
}  // namespace gatehouse

#include "policy/conversation_json.h"

#include <gmock/gmock.h>

#include "conversation_text.h"

namespace gatehouse {
namespace {

using testing::HasSubstr;

ConversationOptions Options(SystemMessages system) {
  ConversationOptions options = test::TextOptions();
  options.system = system;
  return options;
}

constexpr auto Read = [](const std::string& json, const ConversationOptions& options = test::TextOptions()) {
  return test::ReadAsText(json, options);
};

TEST(ConversationJson, Forms) {
  EXPECT_EQ(Read(R"([{"role":"user","content":"hi"}])"), "u:hi");
  EXPECT_EQ(
      Read(
          R"({"messages":[{"role":"user","content":"hi"},{"role":"assistant","content":[{"type":"text","text":"a"},{"type":"text","text":""}]}]})"),
      "u:hi/a:a|");
  const auto input = ParseConversation(
      R"({"id":{"a":[1,"x"]},"categories":{"Z":"z","A":"a"},"exclude":["Z"],"messages":[{"role":"user","content":""}]})",
      "c", test::TextOptions());
  ASSERT_TRUE(input.ok()) << input.error().Message();
  EXPECT_EQ(input->id, R"({"a":[1,"x"]})");
  EXPECT_EQ(input->choice.custom, (std::vector<std::pair<std::string, std::string>>{{"Z", "z"}, {"A", "a"}}));
  EXPECT_EQ(input->choice.exclude, std::vector<std::string>{"Z"});
}

// A request to a chat server, as it is; and what serialisers write for members that are not set.
TEST(ConversationJson, ObjectsAroundTheMessages) {
  const std::string messages = R"("messages":[{"role":"user","content":"hi"}])";
  EXPECT_EQ(
      Read("{" + messages + R"(,"model":"m","temperature":0.5,"stream":false,"stream_options":{"a":1}})"),
      "u:hi");
  EXPECT_EQ(Read("{" + messages + R"(,"categories":null,"exclude":null,"tools":[],"system":"","x":{}})"),
            "u:hi");
  EXPECT_EQ(Read("{" + messages + R"(,"exclude":[]})"), "u:hi");
  for (const char* member : {R"("system":"be good")", R"("tools":[{"name":"x"}])", R"("input":"x")",
                             R"("model":{"x":"y"})", R"("metadata":{"x":"y"})", R"("label":"safe")"}) {
    EXPECT_THAT(Read("{" + messages + "," + member + "}"), HasSubstr("unknown field in c.json: ")) << member;
  }
}

TEST(ConversationJson, ByteOrderMarks) {
  const std::string json = R"([{"role":"user","content":"h\u00e9 )"
                           "\xC3\xA9\xF0\x9F\x98\x80"
                           R"("}])";
  const std::string expected = "u:h\xC3\xA9 \xC3\xA9\xF0\x9F\x98\x80";
  EXPECT_EQ(Read("\xEF\xBB\xBF" + json), expected);
  // Each character by hand: U+00E9 is one unit, U+1F600 is the pair D83D DE00.
  std::string little = "\xFF\xFE", big = "\xFE\xFF";
  const auto unit = [&](int value) {
    little += {static_cast<char>(value & 255), static_cast<char>(value >> 8)};
    big += {static_cast<char>(value >> 8), static_cast<char>(value & 255)};
  };
  for (const char c : std::string(R"([{"role":"user","content":"h\u00e9 )")) unit(c);
  for (const int value : {0xE9, 0xD83D, 0xDE00}) unit(value);
  for (const char c : std::string("\"}]")) unit(c);
  EXPECT_EQ(Read(little), expected);
  EXPECT_EQ(Read(big), expected);
  EXPECT_THAT(Read(little + "x"), HasSubstr("broken UTF-16"));
  unit(0xDE00);
  EXPECT_THAT(Read(big), HasSubstr("broken UTF-16"));
  EXPECT_THAT(Read("\xFF\xFE"), HasSubstr("malformed JSON"));
}

// The public header's function reads the same.
TEST(ConversationJson, PublicFunction) {
  ConversationOptions options;
  options.merge = true;
  const auto read = ReadConversationJson(
      R"({"id":"x","categories":{"A":"a"},"exclude":["B"],"messages":[{"role":"user","content":"1"},{"role":"user","content":"2"}]})",
      options);
  ASSERT_TRUE(read.ok()) << read.error().Message();
  EXPECT_EQ(read->conversation.messages.at(0).parts.at(1).text, "2");
  EXPECT_EQ(read->categories, (std::vector<std::pair<std::string, std::string>>{{"A", "a"}}));
  EXPECT_EQ(read->exclude, std::vector<std::string>{"B"});
  EXPECT_EQ(read->id, "\"x\"");
  const auto error = ReadConversationJson(R"([{"role":"user","content":"x","audio":{"id":"a"}}])");
  ASSERT_FALSE(error.ok());
  EXPECT_EQ(error.error().where, "conversation[0].audio");
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
  // OpenAI's newer name for it.
  const std::string developer =
      R"([{"role":"developer","content":"be good"},{"role":"user","content":"hi"}])";
  EXPECT_THAT(Read(developer), HasSubstr("--system=drop, --system=as-user), found developer"));
  EXPECT_EQ(Read(developer, Options(SystemMessages::kDrop)), "u:hi");
  EXPECT_EQ(Read(developer, Options(SystemMessages::kAsUser)), "u:be good|hi");
  // What is dropped is still read: a member that is not judged is not lost with it.
  EXPECT_THAT(Read(R"([{"role":"system","content":"x","audio":{"id":"a"}},{"role":"user","content":"hi"}])",
                   Options(SystemMessages::kDrop)),
              HasSubstr("c.json[0].audio"));
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
      {R"({"messages":[{"role":"user","content":"x"}],"exclud":["S1"]})", "unknown field in c.json: exclud"},
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
      {R"([{"role":"narrator","content":"x"}])", "unknown role"},
      {R"([{"role":"User","content":"x"}])", "unknown role"},
      {R"([{"content":"x"}])", "malformed message"},
      {"[{\"role\":\"user\",\"content\":\"\xC3\x28\"}]", "malformed JSON"},
      {R"([{"role":"user","content":"\ud800"}])", "malformed JSON"},
      {R"([{"role":"user","content":"x"}] 1)", "malformed JSON"},
  };
  for (const auto& c : cases) EXPECT_THAT(Read(c.json), HasSubstr(c.expected)) << c.json;
  EXPECT_THAT(Read(std::string(1000000, '[')), HasSubstr("64 levels"));
  std::string many = "[";
  for (int i = 0; i < 65537; ++i) many += "0,";
  many.back() = ']';
  EXPECT_THAT(Read(many), HasSubstr("at most 65536"));
  std::string wide = R"([{"role":"user","content":"x")";
  for (int i = 0; i < 2050; ++i) wide += ",\"" + std::to_string(i) + "\":null";
  EXPECT_THAT(Read(wide + "}]"), HasSubstr("more than 2048 members"));
}

}  // namespace
}  // namespace gatehouse

// Conversations that lie in a cell as text, in JSON or as Python prints lists.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "data/python_literal.h"
#include "data_fixtures.h"

namespace gatehouse {
namespace {

using ::testing::HasSubstr;
using Pairs = std::vector<std::pair<std::string, std::string>>;

std::string Quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) out += c == '"' ? std::string("\"\"") : std::string(1, c);
  return out + "\"";
}

// What one cell is read as, in a table and as a string of JSONL, by a map that calls its column so.
std::string Shown(const char* ours, const std::string& cell) {
  DatasetFormat format;
  format.map = {{ours, "q"}, {"label", "l"}};
  const ReadResult table = ReadText("x.csv", "q,l\n" + Quoted(cell) + ",1\n", format);
  const ReadResult lines = ReadText("x.jsonl", Json{{"q", cell}, {"l", 1}}.dump(), format);
  const auto shown = [](const ReadResult& result) {
    if (result.error) return "error: " + result.error->Message();
    return result.rows.empty() ? "problem: " + result.problems[0].reason : Shown(result.rows[0].conversation);
  };
  EXPECT_EQ(shown(table), shown(lines));
  return shown(table);
}

TEST(ChatCells, ListsOfMessages) {
  const char* const chats[] = {
      R"([{"role": "user", "content": "it's \"so\""}, {"role": "assistant", "content": "b\nc"}])",
      R"([{'role': 'user', 'content': 'it\'s "so"'}, {'content': 'b\nc', 'role': 'assistant'}])",
      R"( [{"role":"user","content":[{"type":"text","text":"it's \"so\""}]},{"role":"assistant","content":"b\u000ac"}] )",
      R"([{'role': 'user', 'content': [{'type': 'text', 'text': 'it\x27s "so"'}]}, {'role': 'assistant', 'content': 'b\nc', 'name': None}])",
  };
  for (const char* chat : chats)
    for (const char* ours : {"prompt", "messages"})
      EXPECT_EQ(Shown(ours, chat), "user: it's \"so\" | assistant: b\nc");
}

TEST(ChatCells, TextIsText) {
  for (const char* text :
       {"[hi]", "[1, 2]", "['a', 'b']", "[{\"a\": 1}]", "[]", "{'role': 'user', 'content': 'x'}", "'x'",
        "None", "see [{'role': 'user', 'content': 'x'}]"}) {
    EXPECT_EQ(Shown("prompt", text), std::string("user: ") + text);
    EXPECT_THAT(Shown("messages", text), HasSubstr("problem: "));
  }
  // What begins as a list of messages and is none would be judged as something else.
  for (const char* text : {"[{'role': 'user', 'content': 'x'}",
                           "[{'role': 'user', 'content': 'x'}\n {'role': 'assistant', 'content': 'y'}]",
                           "[{'content': array(['x'], dtype=object), 'role': 'user'}]",
                           "[ { \"role\": \"user\", \"content\": nan}]"})
    EXPECT_THAT(Shown("prompt", text), HasSubstr("begins as a list of messages and is none in q"));
  EXPECT_THAT(Shown("prompt", "[{'role': 'narrator', 'content': 'x'}]"),
              HasSubstr("problem: unknown role in q"));
}

TEST(ChatCells, PromptAndResponse) {
  DatasetFormat format;
  format.map = {{"prompt", "q"}, {"response", "r"}, {"label", "l"}};
  const ReadResult result =
      ReadText("x.jsonl",
               R"({"q":[{"role":"user","content":"a"}],"r":[{"role":"assistant","content":"b"}],"l":1})"
               "\n"
               R"({"q":"a","r":"[{'role': 'assistant', 'content': 'b'}]","l":1})"
               "\n"
               R"({"q":[{"role":"user","content":"a"}],"r":"b","l":1})"
               "\n"
               R"({"q":[{"role":"user","content":"a"}],"r":null,"l":1})"
               "\n"
               R"({"q":[],"r":null,"l":1})"
               "\n",
               format);
  ASSERT_EQ(result.rows.size(), 4u) << result.problems[0].reason;
  for (size_t i = 0; i < 3; ++i) EXPECT_EQ(Shown(result.rows[i].conversation), "user: a | assistant: b");
  EXPECT_EQ(Shown(result.rows[3].conversation), "user: a");
  EXPECT_EQ(result.problems.size(), 1u);
}

TEST(ChatCells, OurOwnShapeInATable) {
  const std::string chat = "[{'role': 'user', 'content': 'a'}]";
  for (const char* name : {"messages", "conversation"}) {
    const ReadResult result =
        ReadText("x.csv",
                 std::string("id,") + name + ",label,categories,categories_known,source\n7," + Quoted(chat) +
                     ",unsafe,\"S1, S2\",True,s\n,\"" + "[]" + "\",safe,,,\n,,safe,,,\n",
                 {});
    ASSERT_EQ(result.rows.size(), 1u) << (result.error ? result.error->Message() : result.problems[0].reason);
    EXPECT_EQ(Shown(result.rows[0].conversation), "user: a");
    EXPECT_EQ(result.rows[0].categories, (std::vector<std::string>{"S1", "S2"}));
    EXPECT_TRUE(result.rows[0].categories_known);
    EXPECT_EQ(result.rows[0].id_json, "\"7\"");
    EXPECT_EQ(result.problems.size(), 2u);
  }
}

// Left: as repr() of Python prints it; right: the same value by json.dumps.
TEST(PythonLiteral, ReadsWhatReprWrites) {
  const struct {
    const char *python, *json;
  } cases[] = {
      {"[]", "[]"},
      {"{}", "{}"},
      {"()", "[]"},
      {"('a',)", R"(["a"])"},
      {"{'a'}", R"(["a"])"},
      {"{'a', 'b'}", R"(["a","b"])"},
      {"[None, True, False, 0, -1, 1.5, 1e-07, 1e+16]", "[null,true,false,0,-1,1.5,1e-07,1e+16]"},
      {R"(["it's", 'say "hi"', 'both \' and "'])", R"(["it's","say \"hi\"","both ' and \""])"},
      {R"('a\\b\n\r\t\x00\x7f\xa0\u200b\U000e0001')", R"("a\\b\n\r\t\u0000\u007f\u00a0\u200b\udb40\udc01")"},
      {"{'a': {'b': [1, (2, 3)]}, \"c\": None}", R"({"a":{"b":[1,[2,3]]},"c":null})"},
      {" [ 1 ,\n 2 ] ", "[1,2]"},
      {"[1,]", "[1]"},
  };
  for (const auto& c : cases) {
    const auto value = ParsePythonLiteral(c.python);
    ASSERT_TRUE(value.has_value()) << c.python;
    EXPECT_EQ(value->dump(), Json::parse(c.json).dump()) << c.python;
  }
  for (const char* bad : {"",
                          "[",
                          "[1",
                          "[1 2]",
                          "[,]",
                          "[1,,2]",
                          "(1)",
                          "('a')",
                          "'a' 'b'",
                          "b'a'",
                          "'a",
                          "'a\nb'",
                          "{1: 2}",
                          "{'a' 1}",
                          "{'a': 1, 'a': 2}",
                          "{'a': 1,, }",
                          "nan",
                          "inf",
                          "1 + 1",
                          "None None",
                          "none",
                          "true",
                          "'\\ud83d'",
                          "'\\q'",
                          "'\\x4'",
                          "'\\U00110000'",
                          "array([1])",
                          "datetime(1)",
                          "[...]"})
    EXPECT_FALSE(ParsePythonLiteral(bad).has_value()) << bad;
  EXPECT_TRUE(ParsePythonLiteral(std::string(60, '[') + std::string(60, ']')).has_value());
  EXPECT_FALSE(ParsePythonLiteral(std::string(100000, '[')).has_value());
}

}  // namespace
}  // namespace gatehouse

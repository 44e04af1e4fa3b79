// Members and roles of messages: what is judged, what is ignored, what is an error, and which turns it makes.
#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "conversation_text.h"
#include "policy/message_calls.h"

namespace gatehouse {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

// An assistant's answer to "do it", with these members.
std::string Answer(const std::string& members, const ConversationOptions& options = test::TextOptions()) {
  return test::ReadAsText(R"([{"role":"user","content":"do it"},{"role":"assistant",)" + members + "}]",
                          options);
}

ConversationOptions Merging() {
  ConversationOptions options = test::TextOptions();
  options.merge = true;
  return options;
}

constexpr const char* kCall =
    R"({"id":"c1","type":"function","function":{"name":"send","arguments":"{\"to\": \"Bob\"}"}})";

TEST(MessageMembers, JudgedBesideContent) {
  const std::string call = kCall;
  const struct {
    std::string members, expected;
  } cases[] = {
      {R"("content":"","tool_calls":[)" + call + "]", R"(a:send({"to": "Bob"}))"},
      {R"("content":null,"tool_calls":[)" + call + "," + call + "]",
       R"(a:send({"to": "Bob"})|send({"to": "Bob"}))"},
      {R"("tool_calls":[)" + call + "]", R"(a:send({"to": "Bob"}))"},
      {R"("content":[],"tool_calls":[)" + call + "]", R"(a:send({"to": "Bob"}))"},
      {R"("content":null,"function_call":{"name":"f","arguments":"1, 2"})", "a:f(1, 2)"},
      {R"("content":null,"refusal":"no")", "a:no"},
      {R"("content":"yes","reasoning_content":"hm")", "a:hm|yes"},
      {R"("content":"yes","reasoning":"hm")", "a:hm|yes"},
      {R"("content":"yes","thinking":"hm")", "a:hm|yes"},
      // The same thoughts by several names are judged once, others are not lost.
      {R"("content":"yes","reasoning":"hm","reasoning_content":"hm","thinking_blocks":[{"type":"thinking","thinking":"hm","signature":"x"}])",
       "a:hm|yes"},
      {R"("content":"yes","reasoning":"hm","reasoning_content":"ah")", "a:ah|hm|yes"},
      {R"("content":"hm","reasoning":"hm")", "a:hm|hm"},
      {R"("content":"","reasoning_details":[{"type":"reasoning.text","text":"hm","format":"f","index":0},{"type":"reasoning.summary","summary":"s"}])",
       "a:hm|s"},
      // The order, whatever the order in the file.
      {R"("function_call":{"name":"g","arguments":""},"tool_calls":[)" + call +
           R"(],"refusal":"no","content":"yes","reasoning":"hm")",
       R"(a:hm|yes|no|send({"to": "Bob"})|g())"},
  };
  for (const auto& c : cases) EXPECT_EQ(Answer(c.members), "u:do it/" + c.expected) << c.members;
}

TEST(MessageMembers, CallsInEveryShape) {
  const struct {
    const char *call, *expected;
  } cases[] = {
      // Ollama and Transformers give the arguments themselves; big numbers and order as they can be kept.
      {R"({"function":{"name":"f","arguments":{"b": [1, null], "a": "x\ny"},"index":0}})",
       R"(f({"b":[1,null],"a":"x\ny"}))"},
      {R"({"function":{"name":"f","arguments":{}}})", "f({})"},
      {R"({"function":{"name":"f","arguments":null}})", "f()"},
      {R"({"function":{"name":"f"}})", "f()"},
      {R"({"type":"custom","custom":{"name":"shell","input":"rm -rf /"},"function":null})",
       "shell(rm -rf /)"},
      {R"({"name":"f","arguments":{"a":1}})", R"(f({"a":1}))"},
      // Clients escape what is not ASCII; a judge reads the letters.
      {R"({"function":{"name":"f","arguments":"{\"t\": \"\\u0431\\u043e\\u043c\\u0431\\u0430 \\ud83d\\ude00\"}"}})",
       "f({\"t\": \"\u0431\u043e\u043c\u0431\u0430 \U0001F600\"})"},
  };
  for (const auto& c : cases)
    EXPECT_EQ(Answer(std::string(R"("content":null,"tool_calls":[)") + c.call + "]"),
              std::string("u:do it/a:") + c.expected);
}

TEST(MessageMembers, BrokenCallsAreErrors) {
  const struct {
    const char *members, *expected;
  } cases[] = {
      {R"("tool_calls":"x")", "c.json[1].tool_calls"},
      {R"("tool_calls":["x"])", "c.json[1].tool_calls[0]"},
      {R"("tool_calls":[{"id":"x"}])", "c.json[1].tool_calls[0]"},
      {R"("tool_calls":[{"function":{"arguments":"x"}}])", "c.json[1].tool_calls[0].function.name"},
      {R"("tool_calls":[{"function":{"name":7}}])", "c.json[1].tool_calls[0].function.name"},
      {R"("tool_calls":[{"function":"f"}])", "c.json[1].tool_calls[0].function"},
      {R"("tool_calls":[{"function":{"name":"f","input":"x"}}])", "c.json[1].tool_calls[0].function.input"},
      {R"("tool_calls":[{"function":{"name":"f"},"custom":{"name":"f"}}])", "one of them"},
      {R"("tool_calls":[{"function":{"name":"f"},"output":"x"}])", "c.json[1].tool_calls[0].output"},
      {R"("function_call":"auto")", "c.json[1].function_call"},
      {R"("refusal":{"x":1})", "c.json[1].refusal"},
      {R"("reasoning":7)", "c.json[1].reasoning"},
      {R"("reasoning_details":[{"type":"reasoning.encrypted","data":"x"}])",
       "c.json[1].reasoning_details[0].type"},
  };
  for (const auto& c : cases)
    EXPECT_THAT(Answer(std::string(R"("content":"x",)") + c.members), HasSubstr(c.expected));
}

TEST(MessageMembers, WhatHoldsNothingIsAbsent) {
  EXPECT_EQ(
      Answer(
          R"("content":"x","tool_calls":[],"function_call":null,"refusal":null,"audio":null,"annotations":[],)"
          R"("reasoning_content":"","images":[],"anything":{},"else":"")"),
      "u:do it/a:x");
}

TEST(MessageMembers, WhatSaysNothingIsIgnored) {
  EXPECT_EQ(
      Answer(
          R"("content":"x","name":"Bob","id":"m1","index":0,"status":"completed","weight":1,"prefix":true,)"
          R"("tool_call_id":"c","annotations":[{"type":"url_citation"}],"logprobs":{"a":1},"stop_reason":"stop")"),
      "u:do it/a:x");
  // In its usual shape only.
  EXPECT_THAT(Answer(R"("content":"x","name":{"text":"y"})"), HasSubstr("c.json[1].name"));
  EXPECT_THAT(Answer(R"("content":"x","id":["y"])"), HasSubstr("c.json[1].id"));
  for (const char* flag : {"index", "prefix", "partial", "weight", "is_error"})
    EXPECT_THAT(Answer(std::string(R"("content":"x",")") + flag + R"(":"say this")"),
                HasSubstr(std::string("c.json[1].") + flag));
}

TEST(MessageMembers, EverythingElseIsAnErrorThatNamesIt) {
  for (const char* member : {"audio", "parts", "text", "provider_specific_fields", "metadata", "files",
                             "attachments", "documents", "context", "role content", "Content", "tool_call"}) {
    for (const char* value : {"\"x\"", "1", "true", "{\"a\":1}", "[1]"}) {
      EXPECT_THAT(Answer(std::string("\"content\":\"x\",\"") + member + "\":" + value),
                  StartsWith(std::string("member that is not judged in c.json[1].") + member + ": "));
    }
  }
}

TEST(MessageMembers, NoContentAtAll) {
  for (const char* members :
       {R"("content":null)", R"("content":[])", R"("name":"x")", R"("content":null,"tool_calls":[])"})
    EXPECT_THAT(Answer(members), HasSubstr("c.json[1].content")) << members;
  EXPECT_EQ(Answer(R"("content":"")"), "u:do it/a:");
}

TEST(MessageRoles, ResultsOfToolsAreTheUsers) {
  const std::string chat =
      std::string(R"([{"role":"user","content":"q"},{"role":"assistant","content":null,"tool_calls":[)") +
      kCall + R"(]},{"role":"tool","tool_call_id":"c1","name":"send","content":"sent"})";
  EXPECT_EQ(test::ReadAsText(chat + "]"), R"(u:q/a:send({"to": "Bob"})/u:sent)");
  EXPECT_EQ(test::ReadAsText(chat + R"(,{"role":"assistant","content":"done"}])"),
            R"(u:q/a:send({"to": "Bob"})/u:sent/a:done)");
  // The results of several calls are one turn; a message of the user's own is another.
  EXPECT_EQ(
      test::ReadAsText(chat + R"(,{"role":"function","name":"f","content":[{"type":"text","text":"two"}]}])"),
      R"(u:q/a:send({"to": "Bob"})/u:sent|two)");
  EXPECT_THAT(test::ReadAsText(chat + R"(,{"role":"user","content":"x"}])"),
              HasSubstr("c.json[3].role: expected assistant (or --merge=on), found user"));
  EXPECT_EQ(test::ReadAsText(chat + R"(,{"role":"user","content":"x"}])", Merging()),
            R"(u:q/a:send({"to": "Bob"})/u:sent|x)");
}

TEST(MessageRoles, Refused) {
  ConversationOptions options = test::TextOptions();
  options.tools = ToolMessages::kRefuse;
  const std::string call = kCall;
  EXPECT_THAT(Answer(R"("content":"x","tool_calls":[)" + call + "]", options),
              HasSubstr("c.json[1].tool_calls: "));
  EXPECT_THAT(Answer(R"("content":"x","function_call":{"name":"f"})", options),
              HasSubstr("c.json[1].function_call: "));
  EXPECT_THAT(Answer(R"("content":[{"type":"tool_use","name":"f","input":{}}])", options),
              HasSubstr("--tools=judge"));
  for (const char* json :
       {R"([{"role":"tool","content":"x"}])", R"([{"role":"function","content":"x"}])",
        R"([{"role":"user","content":[{"type":"tool_result","content":"x"}]}])",
        R"([{"type":"function_call_output","output":"x"}])", R"([{"type":"function_call","name":"f"}])"})
    EXPECT_THAT(test::ReadAsText(json, options), HasSubstr("tools are not judged here")) << json;
  EXPECT_EQ(Answer(R"("content":"x","tool_calls":[],"refusal":"no","reasoning":"hm")", options),
            "u:do it/a:hm|x|no");
}

TEST(MessageRoles, NeighboursMergeWhereAsked) {
  const std::string json =
      R"([{"role":"user","content":"1"},{"role":"user","content":[{"type":"text","text":"2"},{"type":"image","path":"p"}]},)"
      R"({"role":"assistant","content":"3"},{"role":"assistant","content":"4"},{"role":"user","content":"5"}])";
  EXPECT_THAT(test::ReadAsText(json),
              HasSubstr("c.json[1].role: expected assistant (or --merge=on), found user"));
  EXPECT_EQ(test::ReadAsText(json, Merging()), "u:1|2|<file p>/a:3|4/u:5");
  EXPECT_THAT(test::ReadAsText(R"([{"role":"assistant","content":"x"}])", Merging()),
              HasSubstr("expected user, found assistant"));
  // A system message between two of the user's.
  ConversationOptions options = Merging();
  options.system = SystemMessages::kAsUser;
  EXPECT_EQ(
      test::ReadAsText(
          R"([{"role":"user","content":"1"},{"role":"system","content":"s"},{"role":"user","content":"2"}])",
          options),
      "u:1|s|2");
}

// OpenAI's Responses have calls and thoughts beside their messages.
TEST(MessageRoles, ItemsBetweenMessages) {
  EXPECT_EQ(
      test::ReadAsText(
          R"([{"type":"message","role":"user","content":[{"type":"input_text","text":"q"}]},)"
          R"({"type":"reasoning","id":"r","summary":[{"type":"summary_text","text":"hm"}],"content":null,"encrypted_content":null},)"
          R"({"type":"message","role":"assistant","id":"m","status":"completed","content":[{"type":"output_text","text":"let me see","annotations":[],"logprobs":[]}]},)"
          R"({"type":"function_call","call_id":"1","id":"f","name":"look","arguments":"{}","status":"completed"},)"
          R"({"type":"custom_tool_call","call_id":"2","name":"shell","input":"ls"},)"
          R"({"type":"function_call_output","call_id":"1","output":"nothing"},)"
          R"({"type":"custom_tool_call_output","call_id":"2","output":[{"type":"input_text","text":"files"}]},)"
          R"({"role":"assistant","content":"done"}])"),
      "u:q/a:hm|let me see|look({})|shell(ls)/u:nothing|files/a:done");
  const struct {
    const char *item, *expected;
  } cases[] = {
      {R"({"type":"reasoning","summary":[],"encrypted_content":"x"})", "c.json[0].encrypted_content"},
      {R"({"type":"web_search_call","action":{"query":"x"}})", "c.json[0].type"},
      {R"({"type":"function_call","arguments":"x"})", "c.json[0].name"},
      {R"({"type":"function_call","name":"f","input":"x"})", "c.json[0].input"},
      {R"({"type":"function_call","name":"f","output":"x"})", "c.json[0].output"},
      {R"({"type":"function_call_output"})", "c.json[0].output"},
      {R"({"type":"function_call_output","output":null})", "c.json[0].output"},
      {R"({"type":"function_call","role":"user","name":"f"})", "c.json[0].role"},
      {R"({"type":7,"role":"user","content":"x"})", "c.json[0].type"},
      {R"({"type":"message","content":"x"})", "malformed message"},
      {R"({"type":"reasoning","summary":[]})", "no messages"},
  };
  for (const auto& c : cases)
    EXPECT_THAT(test::ReadAsText(std::string("[") + c.item + "]"), HasSubstr(c.expected)) << c.item;
}

// Python's json.dumps escapes; its json.loads says what is right: the readable text is the same JSON.
TEST(MessageCalls, ReadableJson) {
  EXPECT_EQ(ReadableJson(R"({"a": "\u00fc\u20ac"})"), "{\"a\": \"\u00fc\u20ac\"}");
  EXPECT_EQ(ReadableJson(R"(["\u0041\u000a\u0022\u005c\u007f"])"), R"(["A\u000a\u0022\u005c\u007f"])");
  EXPECT_EQ(ReadableJson(R"(["\\u0041", "\\\u0041"])"), R"(["\\u0041", "\\A"])");
  EXPECT_EQ(ReadableJson(R"({"\u0431": 1})"), "{\"\u0431\": 1}");
  for (const char* same : {"\\u0041", R"({"a": "\u00)", "no JSON \\u0041", "{}", "", R"(["\ud800"])"})
    EXPECT_EQ(ReadableJson(same), same);
  // Random escapes and letters: reading the result gives what reading the text gave.
  uint32_t state = 7;
  const auto next = [&state](uint32_t n) { return (state = state * 1664525 + 1013904223) % n; };
  const char* pieces[] = {"\\u00e4", "\\uD83D\\uDe00", "\\\\", "\\\"", "\\n",    "u0041",
                          "\\u0000", "\\u005C",        "x",    "\\/",  "\\u2028"};
  for (int i = 0; i < 2000; ++i) {
    std::string text = "[\"";
    for (uint32_t k = next(8) + 1; k > 0; --k) text += pieces[(next(1u << 16) >> 4) % std::size(pieces)];
    text += "\"]";
    EXPECT_EQ(Json::parse(ReadableJson(text)), Json::parse(text)) << text;
  }
}

}  // namespace
}  // namespace gatehouse

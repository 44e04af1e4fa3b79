// Parts as the clients write them, and the images in them.
#include <gmock/gmock.h>

#include "conversation_text.h"

namespace gatehouse {
namespace {

using testing::HasSubstr;

// One message of the user with this content.
std::string Content(const std::string& content, const ConversationOptions& options = test::TextOptions()) {
  return test::ReadAsText(R"([{"role":"user","content":)" + content + "}]", options);
}

// Beginnings of image files; by Python's base64.b64encode.
const std::string kPng = "\x89PNG\r\n\x1a\nx";
constexpr const char* kPng64 = "iVBORw0KGgp4";
constexpr const char* kJpeg64 = "/9j/eA==";  // FF D8 FF "x"

TEST(MessageParts, TextOfEveryKind) {
  const struct {
    const char *part, *expected;
  } cases[] = {
      {R"({"type":"text","text":"a","cache_control":{"type":"ephemeral"},"citations":null})", "u:a"},
      {R"({"type":"text","text":"a","image":null,"image_url":null,"annotations":[{"x":1}]})", "u:a"},
      {R"({"type":"text","text":""})", "u:"},
      {R"({"type":"input_text","text":"a"})", "u:a"},
      {R"({"type":"output_text","text":"a","annotations":[],"logprobs":[]})", "u:a"},
      {R"({"type":"refusal","refusal":"a"})", "u:a"},
      {R"({"type":"thinking","thinking":"a","signature":"s"})", "u:a"},
      {R"({"type":"tool_use","id":"t","name":"f","input":{"a": "\u00fc"}})", "u:f({\"a\":\"\xC3\xBC\"})"},
      {R"({"type":"thinking","thinking":[{"type":"text","text":"a"}],"closed":true})", "u:a"},
      {R"({"type":"tool_use","id":"t","name":"f","input":{}})", "u:f({})"},
      {R"({"type":"tool_result","tool_use_id":"t","is_error":false,"content":"a"})", "u:a"},
      {R"({"type":"tool_result","tool_use_id":"t","content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]})",
       "u:a|b"},
      {R"({"type":"tool_result","tool_use_id":"t"})", "u:"},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(Content(std::string("[") + c.part + "]"), c.expected) << c.part;
    EXPECT_EQ(Content(c.part), c.expected) << c.part;  // a part alone, as the Llama API has it
  }
}

TEST(MessageParts, OthersAreErrorsThatNameThem) {
  const struct {
    const char *part, *expected;
  } cases[] = {
      {R"({"type":"input_audio","input_audio":{"data":"x","format":"wav"}})", "[0].type: "},
      {R"({"type":"file","file":{"file_id":"x"}})", "[0].type: "},
      {R"({"type":"input_file","file_id":"x"})", "[0].type: "},
      {R"({"type":"document","source":{"type":"text","data":"x"}})", "[0].type: "},
      {R"({"type":"video","video":"x.mp4"})", "[0].type: "},
      {R"({"type":"video_url","video_url":{"url":"x"}})", "[0].type: "},
      {R"({"type":"redacted_thinking","data":"x"})", "[0].type: "},
      {R"({"type":"thinking","thinking":[{"type":"reference","reference_ids":[1]}]})",
       "[0].thinking[0].type: "},
      {R"({"type":"thinking","thinking":[]})", "[0].thinking: "},
      {R"({"type":"server_tool_use","name":"f","input":{}})", "[0].type: "},
      {R"({"type":"web_search_tool_result","content":[]})", "[0].type: "},
      {R"({"type":"TEXT","text":"x"})", "[0].type: "},
      {R"({"type":7,"text":"x"})", "malformed part in c.json[0].content[0]"},
      {R"({"text":"x"})", "malformed part in c.json[0].content[0]"},
      {R"("x")", "malformed part in c.json[0].content[0]"},
      {R"({"type":"text","text":null})", "[0].text: "},
      {R"({"type":"text","text":["x"]})", "[0].text: "},
      {R"({"type":"text","text":"x","image":"y"})", "[0].image: "},
      {R"({"type":"text","text":"x","refusal":"y"})", "[0].refusal: "},
      {R"({"type":"text","text":"x","citations":[{"cited_text":"y"}]})", "[0].citations: "},
      {R"({"type":"refusal","refusal":"x","text":"y"})", "[0].text: "},
      {R"({"type":"thinking","thinking":"x","text":"y"})", "[0].text: "},
      {R"({"type":"tool_use","name":"f","arguments":"x"})", "[0].arguments: "},
      {R"({"type":"tool_use","input":{}})", "[0].name: "},
      {R"({"type":"tool_result","content":7})", "[0].content: "},
      {R"({"type":"tool_result","content":"x","output":"y"})", "[0].output: "},
      {R"({"type":"tool_result","content":[{"type":"document"}]})", "[0].content[0].type: "},
      {R"({"type":"input_image","file_id":"x"})", "[0].file_id: "},
      {R"({"type":"image_url","image_url":{"url":"data:image/png,x","alt":"y"}})", "[0].image_url.alt: "},
      {R"({"type":"image_url","image_url":{"url":null}})", "[0].image_url.url: "},
      {R"({"type":"image_url"})", "[0].image_url.url: "},
      {R"({"type":"image"})", "c.json[0].content[0]: expected one of path"},
      {R"({"type":"image","path":"a","url":"data:image/png,x"})",
       "c.json[0].content[0]: expected one of path"},
      {R"({"type":"image","path":"a","alt":"x"})", "[0].alt: "},
      {R"({"type":"image","path":7})", "[0].path: "},
      {R"({"type":"image","image":{"path":"a"}})", "[0].image: "},
      {R"({"type":"image","source":{"type":"file","file_id":"x"}})", "[0].source.file_id: "},
      {R"({"type":"image","source":{"type":"base64","media_type":"image/png"}})", "[0].source: "},
      {R"({"type":"image","source":{"type":"url","data":"iVBORw0KGgp4"}})", "[0].source: "},
      {R"({"type":"image","source":"x"})", "[0].source: "},
      {R"({"type":"image","base64":"no base64!"})", "[0].base64 (base64): "},
      {R"({"type":"image","url":"cat.png"})", "[0].url: "},
  };
  for (const auto& c : cases) {
    EXPECT_THAT(Content(std::string("[") + c.part + "]"), HasSubstr(c.expected)) << c.part;
  }
}

TEST(MessageParts, ImagesOfEveryKind) {
  const std::string png = kPng64, url = "data:image/png;base64," + png, image = "u:<" + kPng + ">";
  const auto member = [](const std::string& name, const std::string& value) {
    return "\"" + name + "\":\"" + value + "\"";
  };
  for (const std::string& part : {
           R"({"type":"image_url","image_url":{)" + member("url", url) + R"(,"detail":"low"}})",
           R"({"type":"image_url",)" + member("image_url", url) + "}",
           R"({"type":"image_url",)" + member("image_url", "DATA:IMAGE/PNG;BASE64," + png) + "}",
           R"({"type":"image_url",)" + member("image_url", png) + "}",
           R"({"type":"input_image",)" + member("image_url", url) + R"(,"detail":"auto","file_id":null})",
           R"({"type":"image",)" + member("image", url) + "}",
           R"({"type":"image",)" + member("image", png) + "}",
           R"({"type":"image",)" + member("url", url) + "}",
           R"({"type":"image",)" + member("base64", png) + R"(,"mime_type":"image/png"})",
           R"({"type":"image",)" + member("base64", url) + "}",
           R"({"type":"image",)" + member("data", png) + R"(,"mimeType":"image/png"})",
           R"({"type":"image","source":{"type":"base64","media_type":"image/png",)" + member("data", png) +
               "}}",
           R"({"type":"image","source":{"type":"url",)" + member("url", url) + "}}",
           R"({"type":"tool_result","content":[{"type":"image","source":{"type":"base64",)" +
               member("data", png) + "}}]}",
       }) {
    EXPECT_EQ(Content("[" + part + "]"), image) << part;
  }
}

// Where a string can be several things: data URL, URL, base64 of an image file, path.
TEST(MessageParts, WhatAStringIs) {
  const auto image = [](const std::string& text, const ConversationOptions& options = test::TextOptions()) {
    return Content(R"({"type":"image","image":")" + text + "\"}", options);
  };
  EXPECT_EQ(image("cat.png"), "u:<file cat.png>");
  EXPECT_EQ(image("/9j/cat.png"), "u:<file /9j/cat.png>");  // a full stop is no letter of base64
  EXPECT_EQ(image(kJpeg64), "u:<\xFF\xD8\xFFx>");
  EXPECT_EQ(image("_9j_eA"), "u:<\xFF\xD8\xFFx>");
  EXPECT_EQ(image("UklGRg"), "u:<RIFF>");
  EXPECT_EQ(image("R0lGODlh"), "u:<GIF89a>");
  EXPECT_EQ(image("cats/tom"), "u:<file cats/tom>");  // letters of base64, but of no image
  EXPECT_THAT(image("http://x/cat.png"),
              HasSubstr("images are not fetched from URLs in c.json[0].content.image: expected a data URL"));
  EXPECT_THAT(image("file:///cat.png"), HasSubstr("not fetched"));
  EXPECT_THAT(image("data:text/plain;base64,eA=="), HasSubstr("another media type"));
  EXPECT_THAT(image(std::string(5000, 'a')), HasSubstr("expected a path, a data URL, or base64"));
  EXPECT_THAT(image("a\\u0000b"), HasSubstr("null characters"));
  EXPECT_EQ(Content(R"({"type":"image","path":"data:image/png,x"})"), "u:<file data:image/png,x>");
  ConversationOptions options;
  options.load_url = [](const std::string& url) -> Result<std::string> { return "bytes of " + url; };
  EXPECT_EQ(image("http://x/cat.png", options), "u:<bytes of http://x/cat.png>");
  EXPECT_THAT(image("cat.png", options),
              HasSubstr("not allowed here in c.json[0].content.image: expected a data URL"));
  EXPECT_THAT(Content(R"({"type":"image","path":"/etc/passwd"})", options), HasSubstr("not allowed"));
  options.load_path = [](const std::string&) -> Result<std::string> {
    return Error{ErrorCode::kBadInput, "cannot be read", "disk", {}, {}};
  };
  EXPECT_THAT(image("cat.png", options), HasSubstr("cannot be read in c.json[0].content.image (disk)"));
}

TEST(MessageParts, OllamasImages) {
  const auto read = [](const std::string& images) {
    return test::ReadAsText(R"([{"role":"user","content":"x","images":)" + images + "}]");
  };
  const std::string png = kPng64;
  EXPECT_EQ(read("[\"" + png + "\",\"data:image/png;base64," + png + "\"]"),
            "u:x|<" + kPng + ">|<" + kPng + ">");
  EXPECT_EQ(read(R"([{"type":"image_url","image_url":{"url":"data:image/png;base64,)" + png + "\"}}]"),
            "u:x|<" + kPng + ">");
  EXPECT_EQ(read(R"(["eA"])"), "u:x|<x>");  // always base64, never a path
  EXPECT_THAT(read(R"(["cat.png"])"), HasSubstr("c.json[0].images[0] (base64)"));
  EXPECT_THAT(read(R"(["http://x/y"])"), HasSubstr("c.json[0].images[0] (base64)"));
  EXPECT_THAT(read(R"([null])"), HasSubstr("c.json[0].images[0]"));
  EXPECT_THAT(read(R"("eA")"), HasSubstr("c.json[0].images: "));
  // Images alone, with no content or an empty one.
  EXPECT_EQ(test::ReadAsText(R"([{"role":"user","images":["eA"]}])"), "u:<x>");
  EXPECT_EQ(test::ReadAsText(R"([{"role":"user","content":"","images":["eA"]}])"), "u:<x>");
}

TEST(MessageParts, LimitsOfImages) {
  ConversationOptions options = test::TextOptions();
  options.max_image_bytes = 3;
  EXPECT_EQ(Content(R"({"type":"image","base64":"eHl6"})", options), "u:<xyz>");
  EXPECT_THAT(Content(R"({"type":"image","base64":"eHl6eg"})", options), HasSubstr("at most 3 bytes"));
  EXPECT_THAT(Content(R"({"type":"image_url","image_url":"data:image/png,abcd"})", options),
              HasSubstr("at most 3 bytes"));
  std::string many = "[";
  for (int i = 0; i < 1025; ++i) many += R"({"type":"image","path":"a"},)";
  many.back() = ']';
  EXPECT_THAT(Content(many),
              HasSubstr("too many images in c.json[0].content[1024].path: expected at most 1024"));
}

// What cannot be judged is left out where that is wanted, its turn stands, and nothing else is.
TEST(MessageParts, LeftOut) {
  std::vector<std::string> left_out;
  ConversationOptions options;
  options.left_out = &left_out;
  const auto read = [&](const std::string& content) {
    left_out.clear();
    return Content(content, options);
  };
  EXPECT_EQ(read(R"([{"type":"text","text":"a"},{"type":"input_audio","input_audio":{"data":"x"}}])"), "u:a");
  EXPECT_EQ(left_out, (std::vector<std::string>{"c.json[0].content[1].type"}));
  EXPECT_EQ(read(R"([{"type":"video_url","video_url":{"url":"http://a/b"}}])"), "u:");
  EXPECT_EQ(left_out.size(), 1u);
  EXPECT_EQ(read(R"([{"type":"image_url","image_url":{"url":"http://a/b"}},{"type":"text","text":"a"}])"),
            "u:a");
  EXPECT_EQ(read(R"([{"type":"image","path":"a.png"},{"type":"text","text":"a"}])"), "u:a");
  EXPECT_EQ(read(R"([{"type":"text","text":"a","strange":"b"}])"), "u:a");
  EXPECT_EQ(left_out, (std::vector<std::string>{"c.json[0].content[0].strange"}));
  EXPECT_EQ(read(R"("a")"), "u:a");
  EXPECT_TRUE(left_out.empty());
  // An image that is there must be one.
  EXPECT_THAT(read(R"([{"type":"image","base64":"!"}])"), HasSubstr("content[0].base64"));
  EXPECT_EQ(test::ReadAsText(R"([{"role":"user","content":"a"},{"role":"assistant","content":"b"},
                                 {"role":"user","content":null,"audio":{"id":"x"}}])",
                             options),
            "u:a/a:b/u:");
  EXPECT_EQ(test::ReadAsText(R"([{"role":"user","content":"a"},
                                 {"type":"function_call","name":"f","arguments":"{}"},
                                 {"type":"function_call_output","output":[{"type":"audio"}]}])",
                             options),
            "u:a/a:f({})/u:");
}

}  // namespace
}  // namespace gatehouse

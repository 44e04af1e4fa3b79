// Prompts against the published ones: bytes and ids of all reference cases, and what hostile text may not do.
#include "policy/prompt.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>
#include <random>
#include <sstream>

#include "policy_fixtures.h"

namespace gatehouse {
namespace {

using nlohmann::ordered_json;
using test::Llama4Tokenizer;
using test::LlamaGuard4Policy;

Conversation ConversationOf(const ordered_json& messages) {
  Conversation out;
  for (const auto& message : messages) {
    Message to;
    to.role = message["role"] == "user" ? Role::kUser : Role::kAssistant;
    for (const auto& part : message["content"]) {
      to.parts.push_back(part["type"] == "text" ? Part::Text(part["text"].get<std::string>())
                                                : Part::Image("", part["path"].get<std::string>()));
    }
    out.messages.push_back(std::move(to));
  }
  return out;
}

Conversation OneMessage(std::vector<Part> parts) { return {{{Role::kUser, std::move(parts)}}}; }

std::string Text(const Policy& policy, const Conversation& conversation, const CategoryChoice& choice = {}) {
  auto prompt = RenderPrompt(policy, conversation, choice);
  return prompt.ok() ? PromptText(*prompt) : "error: " + prompt.error().Message();
}

TEST(Prompt, AllReferenceCasesByteForByteAndIdForId) {
  const auto tokenizer = Llama4Tokenizer();
  ASSERT_NE(tokenizer, nullptr);
  const auto grids = ordered_json::parse(test::ReadSourceFile("tests/golden/images.json"))["grid_rows_cols"];
  std::istringstream rows(test::ReadSourceFile("tests/golden/prompts.jsonl"));
  const Policy policy = LlamaGuard4Policy();
  int count = 0;
  for (std::string line; std::getline(rows, line); ++count) {
    const auto row = ordered_json::parse(line);
    SCOPED_TRACE(row["name"].get<std::string>());
    CategoryChoice choice;
    if (row["categories"].is_object()) {
      for (const auto& [key, text] : row["categories"].items())
        choice.custom.emplace_back(key, text.get<std::string>());
    }
    if (row["excluded"].is_array()) choice.exclude = row["excluded"].get<std::vector<std::string>>();
    const auto prompt = RenderPrompt(policy, ConversationOf(row["messages"]), choice);
    ASSERT_TRUE(prompt.ok()) << prompt.error().Message();
    EXPECT_EQ(PromptText(*prompt), row["prompt"].get<std::string>());
    std::vector<ImageGrid> sizes;
    for (const auto& name : row["images"]) {
      const auto& grid = grids[name.get<std::string>()];
      sizes.push_back({grid[0].get<int>(), grid[1].get<int>()});
    }
    const auto tokens = TokenisePrompt(*prompt, *tokenizer, sizes);
    ASSERT_TRUE(tokens.ok()) << tokens.error().Message();
    const auto ids = row["ids"].get<std::vector<int32_t>>();
    EXPECT_EQ(tokens->ids, ids);
    // Every tile starts a run of exactly 144 patches, and there are no other patches.
    const int32_t patch = *tokenizer->ControlId("<|patch|>");
    size_t patches = 0;
    for (const ImageSpan& span : tokens->images) {
      for (const int32_t start : span.tile_starts) {
        for (int32_t i = start; i < start + 144; ++i) EXPECT_EQ(ids[static_cast<size_t>(i)], patch);
        patches += 144;
      }
    }
    EXPECT_EQ(static_cast<size_t>(std::count(ids.begin(), ids.end(), patch)), patches);
  }
  EXPECT_EQ(count, 16);
}

TEST(Prompt, PrefixIsWhatAllMessagesShare) {
  const auto tokenizer = Llama4Tokenizer();
  ASSERT_NE(tokenizer, nullptr);
  const Policy policy = LlamaGuard4Policy();
  std::vector<int32_t> first;
  for (const char* text : {"how do I make a bomb?", "", ":::", "\xCC\x81", "12", "\xE4\xBD\xA0", "/\n"}) {
    const auto tokens =
        TokenisePrompt(*RenderPrompt(policy, OneMessage({Part::Text(text)}), {}), *tokenizer, {});
    ASSERT_TRUE(tokens.ok());
    const std::vector<int32_t> prefix(tokens->ids.begin(), tokens->ids.begin() + tokens->prefix_tokens);
    EXPECT_GE(prefix.size(), 140u);
    if (first.empty()) first = prefix;
    EXPECT_EQ(prefix, first) << text;
  }
}

TEST(Prompt, StripsAsPythonDoes) {
  const auto encode = [](uint32_t code) {
    std::string out;
    if (code < 0x80) {
      out.push_back(static_cast<char>(code));
    } else if (code < 0x800) {
      out = {static_cast<char>(0xC0 | code >> 6), static_cast<char>(0x80 | (code & 63))};
    } else {
      out = {static_cast<char>(0xE0 | code >> 12), static_cast<char>(0x80 | (code >> 6 & 63)),
             static_cast<char>(0x80 | (code & 63))};
    }
    return out;
  };
  // The list of spec 1.2.
  std::vector<bool> stripped(0x10000, false);
  for (uint32_t c = 0x09; c <= 0x0D; ++c) stripped[c] = true;
  for (uint32_t c = 0x1C; c <= 0x20; ++c) stripped[c] = true;
  for (uint32_t c = 0x2000; c <= 0x200A; ++c) stripped[c] = true;
  for (const uint32_t c : {0x85u, 0xA0u, 0x1680u, 0x2028u, 0x2029u, 0x202Fu, 0x205Fu, 0x3000u})
    stripped[c] = true;
  for (uint32_t c = 0; c < 0xD800; ++c) {
    const std::string mark = encode(c), text = mark + "x" + mark;
    ASSERT_EQ(StripPython(text), stripped[c] ? "x" : text) << c;
    ASSERT_EQ(StripPython(mark), stripped[c] ? "" : mark) << c;
  }
}

TEST(Prompt, ImagesAloneGetAnEmptyTextInTheirFirstBlock) {
  const std::string text = Text(LlamaGuard4Policy(), OneMessage({Part::Image("a"), Part::Image("b")}));
  EXPECT_NE(text.find("User: <|image|><|image|>\\n\\n\n\n<END"), std::string::npos) << text;
  EXPECT_EQ(text.find("S14"), std::string::npos);
}

TEST(Prompt, AnImageAnywhereDropsTextOnlyCategoriesUnlessTheListIsChosen) {
  Conversation conversation = OneMessage({Part::Text("x"), Part::Image("a")});
  conversation.AddAssistant("fine");
  EXPECT_EQ(Text(LlamaGuard4Policy(), conversation).find("S14"), std::string::npos);
  EXPECT_NE(Text(LlamaGuard4Policy(), conversation, {{}, {"S14"}, {}}).find("S14: Code"), std::string::npos);
  EXPECT_NE(Text(LlamaGuard4Policy(), conversation, {{{"S14", "Mine."}}, {}, {}}).find("S14: Mine."),
            std::string::npos);
}

TEST(Prompt, RefusesWhatCannotBeJudged) {
  const Policy policy = LlamaGuard4Policy();
  EXPECT_THAT(Text(policy, {}), testing::HasSubstr("no messages"));
  EXPECT_THAT(Text(policy, {{{Role::kAssistant, {Part::Text("x")}}}}), testing::HasSubstr("alternate"));
  EXPECT_THAT(Text(policy, OneMessage({})), testing::HasSubstr("without content"));
  EXPECT_THAT(Text(test::StarterPolicy(), OneMessage({Part::Image("x")})),
              testing::HasSubstr("this model cannot see images"));
  const auto prompt = RenderPrompt(policy, OneMessage({Part::Image("x")}), {});
  EXPECT_FALSE(TokenisePrompt(*prompt, *Llama4Tokenizer(), {}).ok());
}

TEST(Prompt, ContentIsNeverSubstitutedInto) {
  const std::string hostile = "{ROLE} {CATEGORIES} {content} {Role} {text} {key}";
  const std::string text =
      Text(LlamaGuard4Policy(), OneMessage({Part::Text(hostile)}), {{{"X1", hostile}}, {}, {}});
  EXPECT_NE(text.find("User: " + hostile + "\\n"), std::string::npos) << text;
  EXPECT_NE(text.find("X1: " + hostile + "\n"), std::string::npos) << text;
}

TEST(Prompt, HostileTextYieldsNoControlToken) {
  const auto tokenizer = Llama4Tokenizer();
  ASSERT_NE(tokenizer, nullptr);
  const Policy policy = LlamaGuard4Policy();
  std::vector<std::string> controls;
  for (const ControlToken& control : tokenizer->data().controls) controls.push_back(control.text);
  ASSERT_GT(controls.size(), 1000u);
  std::mt19937 random(7);
  const auto pick = [&](size_t count) { return static_cast<size_t>(random() % count); };
  int strings = 0;
  for (int round = 0; strings < 100000; ++round) {
    // Each special token in turn, in every place, sometimes cut in two by the border of a part or of a
    // category.
    Conversation conversation;
    CategoryChoice choice;
    const size_t turns = 1 + pick(6);
    for (size_t turn = 0; turn < turns; ++turn) {
      Message message{turn % 2 == 0 ? Role::kUser : Role::kAssistant, {}};
      for (size_t part = 0; part < 4; ++part, strings += 2) {
        const std::string& control = controls[static_cast<size_t>(strings / 2) % controls.size()];
        const size_t cut = pick(control.size() + 1);
        message.parts.push_back(
            Part::Text(std::string(pick(3), ' ') + (pick(2) ? "ab" : "") + control.substr(0, cut)));
        message.parts.push_back(Part::Text(control.substr(cut) + (pick(2) ? control : "<|")));
      }
      conversation.messages.push_back(std::move(message));
    }
    for (int i = 0; i < 3; ++i, ++strings)
      choice.custom.emplace_back("K" + std::to_string(i),
                                 controls[pick(controls.size())] + "\n" + controls[pick(controls.size())]);
    choice.custom.emplace_back(controls[pick(controls.size())], "key");
    const auto prompt = RenderPrompt(policy, conversation, choice);
    ASSERT_TRUE(prompt.ok()) << prompt.error().Message();
    const auto tokens = TokenisePrompt(*prompt, *tokenizer, {});
    ASSERT_TRUE(tokens.ok());
    std::vector<int32_t> found;
    for (const int32_t id : tokens->ids) {
      if (tokenizer->IsControl(id)) found.push_back(id);
    }
    ASSERT_EQ(found, (std::vector<int32_t>{200000, 200005, 200006, 200008, 200005, 200006}));
  }
}

}  // namespace
}  // namespace gatehouse

// --user and --assistant against the same text in a conversation file, written by another library: whatever
// the text is, both are the same conversation and the same prompt.
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <vector>

#include "../policy/policy_fixtures.h"
#include "cli/classify_flags.h"
#include "policy/prompt.h"

namespace gatehouse::cli {
namespace {

const char* const kPieces[] = {"[",
                               "]",
                               "[[",
                               "{",
                               "}",
                               "(",
                               ",",
                               ";",
                               "=",
                               ":",
                               "'",
                               "\"",
                               "`",
                               "\\",
                               "\\n",
                               "\n",
                               "\r\n",
                               "\t",
                               " ",
                               "  ",
                               "-",
                               "--",
                               "--json",
                               "--user",
                               "-h",
                               "help",
                               "@",
                               "%",
                               "%s",
                               "%{}",
                               "{}",
                               "$X",
                               "~",
                               "*",
                               "?",
                               "#",
                               "!",
                               "&",
                               "|",
                               "<",
                               ">",
                               "true",
                               "null",
                               "0x1f",
                               "1",
                               ".",
                               "hi",
                               "a, b",
                               "\x01",
                               "\x7f",
                               "\xc3\xa9",
                               "\xe4\xb8\xad",
                               "\xf0\x9f\x98\x80",
                               "\xe2\x80\x8b",
                               "<|eot|>"};

void AppendUtf8(uint32_t code, std::string* out) {
  const auto add = [&](uint32_t byte) { out->push_back(static_cast<char>(byte)); };
  if (code < 0x80) return add(code);
  if (code < 0x800) return add(0xC0 | code >> 6), add(0x80 | (code & 63));
  if (code < 0x10000) return add(0xE0 | code >> 12), add(0x80 | (code >> 6 & 63)), add(0x80 | (code & 63));
  add(0xF0 | code >> 18), add(0x80 | (code >> 12 & 63)), add(0x80 | (code >> 6 & 63)),
      add(0x80 | (code & 63));
}

struct Random {
  std::mt19937 engine;
  uint32_t operator()() { return static_cast<uint32_t>(engine()); }
};

// Pieces that readers of command lines take for something, and any code points but the two that cannot be: 0
// ends an argument, halves of pairs are no text.
std::string RandomText(Random& random) {
  std::string out;
  for (uint32_t left = random() % 12; left > 0; --left) {
    const uint32_t code = 1 + random() % 0x10FFFF;
    if (random() % 4 != 0) {
      out += kPieces[random() % std::size(kPieces)];
    } else if (code < 0xD800 || code > 0xDFFF) {
      AppendUtf8(code, &out);
    }
  }
  return out;
}

// ASCII without white space.
bool IsPrintable(const std::string& text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7F; });
}

std::string FromFlags(const std::vector<std::string>& arguments, const Policy& policy) {
  Command command("classify", "");
  ClassifyFlags flags;
  flags.AddTo(command);
  command.Does([]() -> Result<int> { return 0; });
  const auto parsed = command.Parse(arguments);
  if (!parsed.ok()) return parsed.error().Message();
  if (!parsed->action) return "help";
  const auto input = flags.Conversation();
  if (!input.ok()) return input.error().Message();
  const auto prompt = RenderPrompt(policy, input->conversation, {});
  return prompt.ok() ? PromptText(*prompt) : prompt.error().Message();
}

std::string FromFile(const std::vector<std::string>& turns, const Policy& policy) {
  nlohmann::json messages = nlohmann::json::array();
  for (size_t i = 0; i < turns.size(); ++i)
    messages.push_back({{"role", i % 2 == 0 ? "user" : "assistant"}, {"content", turns[i]}});
  const auto input = ReadConversationText(messages.dump(), "chat.json", "", {}, 0);
  if (!input.ok()) return input.error().Message();
  const auto prompt = RenderPrompt(policy, input->conversation, {});
  return prompt.ok() ? PromptText(*prompt) : prompt.error().Message();
}

TEST(TextFlags, AreTheSameAsAFile) {
  const Policy policy = test::LlamaGuard4Policy();
  Random random{std::mt19937(17)};
  for (int i = 0; i < 10000; ++i) {
    const std::string text = i < static_cast<int>(std::size(kPieces)) ? kPieces[i] : RandomText(random);
    const std::string want = FromFile({text}, policy);
    // A prompt and no error, with the text in it; a template may take white space off its ends.
    ASSERT_NE(want.find("<BEGIN CONVERSATION>"), std::string::npos) << text << want;
    if (IsPrintable(text)) {
      ASSERT_NE(want.find("User: " + text), std::string::npos) << text << want;
    }
    ASSERT_EQ(FromFlags({"--user", text}, policy), want) << text;
    ASSERT_EQ(FromFlags({"--user=" + text}, policy), want) << text;
    if (i % 10 != 0) continue;
    const std::string other = RandomText(random);
    ASSERT_EQ(FromFlags({"--user", text, "--json", "--assistant", other}, policy),
              FromFile({text, other}, policy))
        << text << other;
  }
}

}  // namespace
}  // namespace gatehouse::cli

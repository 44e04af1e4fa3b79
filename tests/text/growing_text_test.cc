// Encoding a text that begins as the one before gives the tokens of the whole text, wherever it was cut and
// whatever follows, and encodes little more than what is new.
#include <gtest/gtest.h>

#include <random>

#include "formats/tokenizer_json.h"
#include "text/tokenizer.h"
#include "text_fixtures.h"

namespace gatehouse {
namespace {

struct Kind {
  const char* name;
  const char* golden;                  // whose vocabulary
  std::optional<PreTokenizer> cutter;  // in place of the vocabulary's own
};

std::shared_ptr<const Tokenizer> Make(const Kind& kind) {
  auto data = ReadTokenizerJson(GoldenTokenizerJson(kind.golden), kind.golden);
  EXPECT_TRUE(data.ok());
  if (!data.ok()) return nullptr;
  if (kind.cutter) data->pre_tokenizer = *kind.cutter;
  auto tokenizer = Tokenizer::Create(std::move(data).value());
  EXPECT_TRUE(tokenizer.ok());
  return tokenizer.ok() ? std::move(tokenizer).value() : nullptr;
}

class GrowingText : public testing::TestWithParam<Kind> {};

// What the patterns look far ahead for: runs of spaces, letters of both cases behind a letter of none, marks,
// newlines and slashes behind punctuation, apostrophes, digits.
std::string Tricky(std::mt19937_64* random) {
  static const char* const kParts[] = {
      " ",      "  ",     "\n",         "\r\n",   "\t",       "/",      "!",      "'",
      "'s",     "'L",     "l",          "A",      "AB",       "ab",     "Ab",     "1",
      "23",     "4567",   "\u0301",     "\u4E2D", "\u4E2DAB", "\u01C5", "\u02B0", "\u00A0",
      "\u2003", "\u017F", "\U0001F600", ".\n/",   "\xF0\x9F", "\x80",   "\xFF"};
  std::string out;
  for (size_t count = 1 + (*random)() % 12; count > 0; --count)
    out += kParts[(*random)() % (sizeof kParts / sizeof *kParts)];
  return out;
}

TEST_P(GrowingText, TokensEqualThoseOfTheWholeText) {
  const auto tokenizer = Make(GetParam());
  ASSERT_NE(tokenizer, nullptr);
  std::mt19937_64 random(5);
  const std::string tails[] = {"", "\n\nProvide your safety assessment.", " ", "\n"};
  EncodedText known;
  std::string text;
  for (int cut = 0; cut < 10000; ++cut) {
    const std::string& tail = tails[random() % 8 == 0 ? random() % 4 : 1];
    // Most texts go on where the last one ended, some are cut back to anywhere, in the middle of a character
    // too.
    if (random() % 6 == 0) text.resize(random() % (text.size() + 1));
    if (text.size() > 400) text.clear();
    text += random() % 2 == 0 ? Tricky(&random) : RandomText(&random, 1 + static_cast<int>(random() % 20));
    const std::string whole = text + tail;
    tokenizer->Encode(whole, &known);
    ASSERT_EQ(known.ids, tokenizer->Encode(whole)) << "cut " << cut << ": " << whole;
  }
}

TEST_P(GrowingText, OnlyTheEndIsEncodedAgain) {
  const auto tokenizer = Make(GetParam());
  ASSERT_NE(tokenizer, nullptr);
  std::mt19937_64 random(6);
  const std::string tail = "\n\nProvide your safety assessment.";
  std::string text;
  EncodedText known;
  size_t encoded = 0;
  int pieces = 0;
  while (text.size() < 20000) {
    text += random() % 4 == 0 ? RandomText(&random, 10) : " some words, and 7 more";
    encoded += tokenizer->Encode(text + tail, &known);
    ++pieces;
  }
  ASSERT_EQ(known.ids, tokenizer->Encode(text + tail));
  // A piece, the tail, and a word or two before them each time.
  EXPECT_LT(encoded, text.size() + static_cast<size_t>(pieces) * (tail.size() + 40));
}

INSTANTIATE_TEST_SUITE_P(All, GrowingText,
                         testing::Values(Kind{"llama4", "llama4", {}}, Kind{"llama3", "llama3", {}},
                                         Kind{"smollm", "llama3", PreTokenizer::kSmolLM},
                                         Kind{"smollm_one_pass", "llama3", PreTokenizer::kSmolLMOnePass},
                                         Kind{"gpt2", "llama3", PreTokenizer::kGpt2}),
                         [](const auto& kind) { return std::string(kind.param.name); });

}  // namespace
}  // namespace gatehouse

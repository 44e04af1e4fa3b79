// The hand-written cutters against PCRE2 running the published patterns.
#define PCRE2_CODE_UNIT_WIDTH 8
#include <gtest/gtest.h>
#include <pcre2.h>

#include <functional>

#include "text/pre_tokenizer.h"
#include "text_fixtures.h"

namespace gatehouse {
namespace {

using Pieces = std::vector<std::string>;

class Regex {
 public:
  explicit Regex(const char* pattern) {
    int code = 0;
    size_t offset = 0;
    compiled_ = pcre2_compile(reinterpret_cast<PCRE2_SPTR>(pattern), PCRE2_ZERO_TERMINATED,
                              PCRE2_UTF | PCRE2_UCP, &code, &offset, nullptr);
    EXPECT_NE(compiled_, nullptr) << "at " << offset;
    match_ = pcre2_match_data_create_from_pattern(compiled_, nullptr);
  }
  Regex(const Regex&) = delete;
  Regex& operator=(const Regex&) = delete;
  ~Regex() {
    pcre2_match_data_free(match_);
    pcre2_code_free(compiled_);
  }
  // All matches, and what lies between them.
  Pieces Split(const std::string& text) const {
    Pieces pieces;
    size_t at = 0;
    while (at < text.size()) {
      const int found = pcre2_match(compiled_, reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(), at, 0,
                                    match_, nullptr);
      const size_t* range = pcre2_get_ovector_pointer(match_);
      const size_t begin = found > 0 ? range[0] : text.size();
      if (begin > at) pieces.push_back(text.substr(at, begin - at));
      if (found <= 0) break;
      pieces.push_back(text.substr(begin, range[1] - begin));
      at = range[1];
    }
    return pieces;
  }

 private:
  pcre2_code* compiled_;
  pcre2_match_data* match_;
};

constexpr const char* kO200k =
    R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr const char* kLlama3 =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr const char* kGpt2 = R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";

Pieces Cut(PreTokenizer kind, std::string_view text) {
  const PieceCutter cutter(kind);
  Pieces pieces;
  while (!text.empty()) {
    const size_t size = cutter.Next(text);
    if (size == 0 || size > text.size()) {
      ADD_FAILURE() << "piece of " << size << " bytes";
      break;
    }
    pieces.emplace_back(text.substr(0, size));
    text.remove_prefix(size);
  }
  return pieces;
}

void CompareOnRandomText(PreTokenizer kind, const std::function<Pieces(const std::string&)>& expected) {
  std::mt19937_64 random(20260101);
  for (int round = 0; round < 60000; ++round) {
    const std::string text = RandomText(&random, static_cast<int>(random() % 24));
    ASSERT_EQ(Cut(kind, text), expected(text)) << "round " << round << ": " << testing::PrintToString(text);
  }
}

TEST(PieceCutter, O200kEqualsTheRegex) {
  const Regex regex(kO200k);
  CompareOnRandomText(PreTokenizer::kO200k, [&](const std::string& text) { return regex.Split(text); });
}

TEST(PieceCutter, Llama3EqualsTheRegex) {
  const Regex regex(kLlama3);
  CompareOnRandomText(PreTokenizer::kLlama3, [&](const std::string& text) { return regex.Split(text); });
}

TEST(PieceCutter, Gpt2EqualsTheRegex) {
  const Regex regex(kGpt2);
  CompareOnRandomText(PreTokenizer::kGpt2, [&](const std::string& text) { return regex.Split(text); });
}

TEST(PieceCutter, SmolLmEqualsTheRegexOnWhatDigitsLeave) {
  const Regex digits("\\p{N}"), regex(kGpt2);
  CompareOnRandomText(PreTokenizer::kSmolLM, [&](const std::string& text) {
    Pieces pieces;
    for (const std::string& part : digits.Split(text)) {
      for (const std::string& piece : regex.Split(part)) pieces.push_back(piece);
    }
    return pieces;
  });
}

TEST(PieceCutter, SmolLmInOnePassEqualsTheRegex) {
  const Regex regex(R"(\p{N}|'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)");
  CompareOnRandomText(PreTokenizer::kSmolLMOnePass,
                      [&](const std::string& text) { return regex.Split(text); });
}

TEST(PieceCutter, AllShortStringsOfTheCharactersThatMatter) {
  // Five places, each character of another kind.
  const std::vector<std::string> alphabet = {" ", "\t", "\n", "'",      "s",     "A",
                                             "1", "!",  "/",  "\u0301", "\u02B0"};
  const Regex o200k(kO200k), llama3(kLlama3), gpt2(kGpt2);
  size_t combinations = 1;
  for (int place = 0; place < 5; ++place) combinations *= alphabet.size();
  for (size_t number = 0; number < combinations; ++number) {
    std::string text;
    for (size_t rest = number, place = 0; place < 5; ++place, rest /= alphabet.size()) {
      text += alphabet[rest % alphabet.size()];
    }
    ASSERT_EQ(Cut(PreTokenizer::kO200k, text), o200k.Split(text)) << testing::PrintToString(text);
    ASSERT_EQ(Cut(PreTokenizer::kLlama3, text), llama3.Split(text)) << testing::PrintToString(text);
    ASSERT_EQ(Cut(PreTokenizer::kGpt2, text), gpt2.Split(text)) << testing::PrintToString(text);
  }
}

TEST(PieceCutter, LongSMatchesAContraction) {
  EXPECT_EQ(Cut(PreTokenizer::kO200k, "it'\u017F x"), (Pieces{"it'\u017F", " x"}));
  EXPECT_EQ(Cut(PreTokenizer::kLlama3, "it'\u017F x"), (Pieces{"it", "'\u017F", " x"}));
  EXPECT_EQ(Cut(PreTokenizer::kGpt2, "it'S"), (Pieces{"it", "'", "S"}));
}

}  // namespace
}  // namespace gatehouse

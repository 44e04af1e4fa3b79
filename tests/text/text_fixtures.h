// Tokenizers and token rows of tests/golden for the tests of text/.
//
//   auto tokenizer = LoadGoldenTokenizer("llama4");  // null and a failed expectation where it cannot be read
#pragma once

#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "text/tokenizer.h"

namespace gatehouse {

// "llama4" or "llama3": tests/golden/tokenizer/NAME.tokenizer.json.xz, unpacked.
std::string GoldenTokenizerJson(const std::string& name);
std::shared_ptr<const Tokenizer> LoadGoldenTokenizer(const std::string& name);

struct TokenRow {
  std::string tokenizer;
  std::string text;
  std::vector<int32_t> ids;
};
std::vector<TokenRow> GoldenTokenRows();

// A vocabulary of the 256 bytes in order and the tokens given, ranks being ids; controls "<|a|>", "<|b|>".
TokenizerData SmallTokenizer(const std::vector<std::string>& more);

// Mixed scripts, spaces of all kinds, contractions, marks, digits, punctuation; well-formed UTF-8 of code
// points that Unicode 14 assigns, except U+180E.
std::string RandomText(std::mt19937_64* random, int code_points);
// Any bytes, with parts of sequences in between.
std::string RandomBytes(std::mt19937_64* random, int size);

}  // namespace gatehouse

// Reads the other two forms of a tokenizer: tokenizer.model as Meta publishes it (a line "base64 rank" a
// token), and the arrays of a GGUF file.
//
//   GATEHOUSE_ASSIGN(TokenizerData data, ReadTokenizerModel(bytes, "model/tokenizer.model"));
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "formats/tokenizer_data.h"
#include "gatehouse/result.h"

namespace gatehouse {

enum class TokenizerFamily { kLlama3, kLlama4 };

// The file names neither its pattern nor its control tokens: the family does. By default it is told by the
// number of tokens: 128000 for Llama 3, 200000 for Llama 4. name: for error messages. Errors: kModel.
Result<TokenizerData> ReadTokenizerModel(std::string_view bytes, const std::string& name,
                                         std::optional<TokenizerFamily> family = std::nullopt);

// As found in the file's metadata (tokenizer.ggml.*).
struct GgufTokenizerArrays {
  std::vector<std::string> tokens;   // in GPT-2's printable alphabet
  std::vector<std::string> merges;   // "left right"
  std::vector<int32_t> token_types;  // empty: all ordinary
  std::string pre;                   // "smollm", "llama-bpe", "llama4", "gpt-2", ...; empty: no such key
};
// Control and user-defined tokens become control tokens. Without `pre`, or with "default", Llama 3 and 4 are
// known by their control tokens, with a warning in the log. Errors: kModel.
Result<TokenizerData> ReadTokenizerGguf(const GgufTokenizerArrays& arrays, const std::string& name);

}  // namespace gatehouse

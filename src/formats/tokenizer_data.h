// TokenizerData: what a tokenizer file says, whatever its format (tokenizer.json, tokenizer.model, GGUF
// metadata). text/ builds a Tokenizer from it.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace gatehouse {

// How text is cut into pieces before byte pairs are merged.
enum class PreTokenizer {
  kO200k,   // Llama 4 (case-aware words, \p{N}{1,3}, `[\r\n/]*` after punctuation)
  kLlama3,  // cl100k style
  kSmolLM,  // digits alone, then GPT-2's pattern on what lies between (tokenizer.json)
  // The same as one pattern, in which white space before a digit keeps its last character apart: what the
  // starter was trained with (GGUF "smollm"; docs/decisions/0009-smollm-white-space.md).
  kSmolLMOnePass,
  kGpt2,  // GPT-2's pattern (GGUF "gpt-2", "default")
};

struct ControlToken {
  std::string text;  // "<|eot|>"
  int32_t id;
};

struct TokenizerData {
  PreTokenizer pre_tokenizer = PreTokenizer::kO200k;
  // Raw bytes of each ordinary token, index = id. Control ids have an empty string.
  std::vector<std::string> tokens;
  // Merges in order of rank as pairs of token ids. Empty: ranks are the ids themselves (tiktoken's form),
  // that is, a pair may merge if its concatenation is a token, and the smallest resulting id goes first.
  std::vector<std::pair<int32_t, int32_t>> merges;
  // The id that each merge gives. Empty: not worked out yet (CompleteMerges in tokenizer_merges.h does it).
  std::vector<int32_t> merged;
  // The rank of a merge is the id it gives (tiktoken's form, written out as merges), not its place in the
  // list.
  bool rank_is_id = false;
  // A piece that is a token as a whole is taken at once, without merging (tiktoken; "ignore_merges").
  bool whole_piece_first = false;
  std::vector<ControlToken> controls;
  int32_t vocab_size = 0;  // ids below this may occur
};

}  // namespace gatehouse

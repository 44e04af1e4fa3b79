// Reads tokenizer.json, the form of Hugging Face directories: byte-level BPE with one of the pre-tokenizers
// of TokenizerData. Anything that would change ids and is not understood (normalizers, other patterns,
// dropout) is refused by name.
//
//   GATEHOUSE_ASSIGN(TokenizerData data, ReadTokenizerJson(text, "model/tokenizer.json"));
#pragma once

#include <string>
#include <string_view>

#include "formats/tokenizer_data.h"
#include "gatehouse/result.h"

namespace gatehouse {

// name: for error messages. All added tokens become control tokens. Errors: kModel, naming the field.
Result<TokenizerData> ReadTokenizerJson(std::string_view bytes, const std::string& name);

}  // namespace gatehouse

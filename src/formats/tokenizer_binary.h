// TokenizerData as bytes: what `convert` stores beside the weights, so that a model starts in milliseconds.
// Merges are stored complete (see tokenizer_merges.h). Little-endian; layout in the .cc file.
//
//   GATEHOUSE_ASSIGN(std::string bytes, WriteTokenizerBinary(data));
//   GATEHOUSE_ASSIGN(TokenizerData again, ReadTokenizerBinary(bytes, "model/tokenizer.bin"));
#pragma once

#include <string>
#include <string_view>

#include "formats/tokenizer_data.h"
#include "gatehouse/result.h"

namespace gatehouse {

// Errors: kModel when the merges contradict the tokens.
Result<std::string> WriteTokenizerBinary(TokenizerData data);

// Every length and id is checked; whether merges give what they say is checked by Tokenizer::Create.
// name: for error messages. Errors: kModel.
Result<TokenizerData> ReadTokenizerBinary(std::string_view bytes, const std::string& name);

}  // namespace gatehouse

// tokenizer.json, the format of Hugging Face's tokenizers, for byte-level BPE models.
#pragma once

#include <string>
#include <string_view>

#include "formats/tokenizer_data.h"
#include "gatehouse/result.h"

namespace gatehouse {

// Errors: kModel: malformed JSON, another kind of model, an unknown pre-tokeniser, ids that clash.
Result<TokenizerData> ReadTokenizerJson(std::string_view json, const std::string& name);

}  // namespace gatehouse

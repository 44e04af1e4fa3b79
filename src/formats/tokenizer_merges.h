// Works out what a tokenizer file leaves unsaid about its merges: the id that each one gives, and for files
// that hold ranks alone (tiktoken's) the merges themselves.
//
//   TokenMap map(data.tokens);
//   GATEHOUSE_TRY(CompleteMerges(map, &data));  // data.merges and data.merged are now of one length
#pragma once

#include "formats/token_map.h"
#include "formats/tokenizer_data.h"
#include "gatehouse/result.h"

namespace gatehouse {

// Checks what is there already. Errors: kModel (a merge of or into an unknown token).
Result<void> CompleteMerges(const TokenMap& map, TokenizerData* data);

}  // namespace gatehouse

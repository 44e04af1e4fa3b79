// The tokenizer that belongs to a checkpoint, wherever it lies.
#pragma once

#include <memory>
#include <string>

#include "checkpoint/weights.h"
#include "gatehouse/result.h"
#include "text/tokenizer.h"

namespace gatehouse {

// tokenizer.bin, tokenizer.json or tokenizer.model of a directory, or the metadata of a GGUF file. Errors:
// kModel.
Result<TokenizerData> TokenizerDataOf(const Checkpoint& checkpoint);
Result<std::shared_ptr<const Tokenizer>> TokenizerOf(const Checkpoint& checkpoint);

}  // namespace gatehouse

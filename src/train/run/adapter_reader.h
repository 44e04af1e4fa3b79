// ReadAdapter: the matrices of a PEFT adapter as the values that training begins with.
#pragma once

#include <string>

#include "gatehouse/result.h"
#include "train/lora.h"
#include "train/operations.h"

namespace gatehouse::train {

// Errors: kModel: no adapter; one whose rank, scale or linears are not those of `lora`, or that holds more
// than LoRA's matrices.
Result<void> ReadAdapter(const std::string& directory, const LoraSet& lora, Operations& ops);

}  // namespace gatehouse::train

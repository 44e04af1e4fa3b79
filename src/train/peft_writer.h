// WritePeftAdapter: trained LoRA matrices as a directory that PEFT and `gatehouse convert --adapter` read:
// adapter_config.json and adapter_model.safetensors, values in F16.
//
//   GATEHOUSE_TRY(WritePeftAdapter("out/adapter", config, lora, "SmolLM2-135M-Instruct", *ops));
#pragma once

#include <string>

#include "formats/model_config.h"
#include "gatehouse/result.h"
#include "train/lora.h"
#include "train/operations.h"

namespace gatehouse::train {

// base: what the adapter says it belongs to. The directory is whole or not there; an adapter that is there is
// replaced. Errors: kUsage: another directory in its place; kInternal: the disk, a value that F16 cannot
// hold.
Result<void> WritePeftAdapter(const std::string& directory, const ModelConfig& config, const LoraSet& lora,
                              const std::string& base, Operations& ops);

}  // namespace gatehouse::train

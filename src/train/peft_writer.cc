#include "train/peft_writer.h"

#include <cmath>
#include <nlohmann/json.hpp>
#include <vector>

#include "base/error.h"
#include "base/output_file.h"
#include "checkpoint/output_directory.h"
#include "formats/safetensors.h"
#include "tensor/tensor.h"

namespace gatehouse::train {
namespace {

constexpr const char* kConfigFile = "adapter_config.json";
constexpr const char* kTensorsFile = "adapter_model.safetensors";

std::string AdapterConfigText(const ModelConfig& config, const LoraOptions& options,
                              const std::string& base) {
  nlohmann::ordered_json out = {
      {"peft_type", "LORA"}, {"task_type", "CAUSAL_LM"},          {"base_model_name_or_path", base},
      {"r", options.rank},   {"lora_alpha", options.alpha},       {"lora_dropout", options.dropout},
      {"bias", "none"},      {"target_modules", options.modules}, {"inference_mode", true}};
  // PEFT would put matrices of its own into the layers that were left alone.
  if (options.first_layer > 0) {
    std::vector<int> layers;
    for (int layer = options.first_layer; layer < config.layers; ++layer) layers.push_back(layer);
    out["layers_to_transform"] = layers;
  }
  return out.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

// A name as PEFT has it: the table's has no prefix, the published model of Llama 4 has one.
std::string PeftName(const ModelConfig& config, const std::string& name) {
  const bool within = config.family == ModelConfig::Family::kLlama4 && config.vision.present;
  return std::string("base_model.model.") + (within ? "language_model." : "") + name;
}

Result<std::vector<uint16_t>> Halves(const TrainedTensor& tensor, Operations& ops) {
  std::vector<float> values(static_cast<size_t>(tensor.value.rows * tensor.value.cols));
  ops.Download(tensor.value, values);
  GATEHOUSE_TRY(ops.Finish());
  std::vector<uint16_t> out;
  out.reserve(values.size());
  for (const float value : values) {
    const uint16_t half = FloatToF16(value);
    if (!std::isfinite(F16ToFloat(half)))
      return Error{ErrorCode::kInternal, "value does not fit into F16", tensor.name, "within 65504",
                   std::to_string(value)};
    out.push_back(half);
  }
  return out;
}

}  // namespace

Result<void> WritePeftAdapter(const std::string& directory, const ModelConfig& config, const LoraSet& lora,
                              const std::string& base, Operations& ops) {
  GATEHOUSE_ASSIGN(OutputDirectory out, OutputDirectory::Create(directory, {kConfigFile, kTensorsFile}, {}));
  std::vector<TensorDeclaration> declared;
  for (const TrainedTensor& tensor : lora.tensors())
    declared.push_back({PeftName(config, tensor.name), DType::kF16, {tensor.value.rows, tensor.value.cols}});
  GATEHOUSE_ASSIGN(SafetensorsWriter writer,
                   SafetensorsWriter::Create(out.part() + "/" + kTensorsFile, declared, {{"format", "pt"}}));
  for (const TrainedTensor& tensor : lora.tensors()) {
    GATEHOUSE_ASSIGN(const std::vector<uint16_t> halves, Halves(tensor, ops));
    GATEHOUSE_TRY(writer.Append(halves.data(), halves.size() * sizeof(uint16_t)));
  }
  GATEHOUSE_TRY(writer.Finish());
  GATEHOUSE_TRY(WriteFile(out.part() + "/" + kConfigFile, AdapterConfigText(config, lora.options(), base)));
  return out.Publish();
}

}  // namespace gatehouse::train

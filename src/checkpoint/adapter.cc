#include "checkpoint/adapter.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/mapped_file.h"
#include "checkpoint/tensor_list.h"
#include "formats/json.h"
#include "formats/safetensors.h"

namespace gatehouse {
namespace {

constexpr std::string_view kPrefix = "base_model.model.";
constexpr std::string_view kA = ".lora_A.weight", kB = ".lora_B.weight";

bool Empty(const Json& value) {
  if (value.is_null()) return true;
  if (value.is_boolean()) return !value.get<bool>();
  return (value.is_array() || value.is_object()) && value.empty();
}

struct AdapterConfig {
  int64_t rank = 0;
  double scale = 1.0;
};

Result<AdapterConfig> ReadConfig(const std::string& path) {
  Result<std::string> text = ReadFile(path, 1u << 20);
  if (!text.ok())
    return ModelError(text.error().what, text.error().where, text.error().expected, text.error().found);
  GATEHOUSE_ASSIGN(const Json root, ParseJson(*text, path));
  if (!root.is_object()) return ModelError("bad adapter config", path, "a JSON object", root.type_name());
  const JsonFields fields(root, path);
  GATEHOUSE_ASSIGN(const std::string type, fields.String("peft_type", std::nullopt));
  if (type != "LORA") return ModelError("not supported", fields.Where("peft_type"), "LORA", type);
  // Each of these changes the sum W + scale * B A, or adds tensors beside it.
  for (const char* key : {"use_dora", "modules_to_save", "fan_in_fan_out", "lora_bias", "rank_pattern",
                          "alpha_pattern", "layer_replication", "trainable_token_indices",
                          "target_parameters", "use_qalora", "alora_invocation_tokens"}) {
    const Json* value = fields.Find(key);
    if (value != nullptr && !Empty(*value))
      return ModelError("not supported", fields.Where(key), "none", value->dump().substr(0, 80));
  }
  if (!fields.IsNull("bias")) {
    GATEHOUSE_ASSIGN(const std::string bias, fields.String("bias", "none"));
    if (bias != "none") return ModelError("not supported", fields.Where("bias"), "none", bias);
  }
  AdapterConfig config;
  GATEHOUSE_ASSIGN(config.rank, fields.Int64("r", std::nullopt, 1, 1 << 16));
  GATEHOUSE_ASSIGN(const double alpha, fields.Number("lora_alpha", 8.0, -1e6, 1e6));
  bool sqrt_rank = false;
  if (!fields.IsNull("use_rslora")) {
    GATEHOUSE_ASSIGN(sqrt_rank, fields.Bool("use_rslora", false));
  }
  const auto rank = static_cast<double>(config.rank);
  config.scale = alpha / (sqrt_rank ? std::sqrt(rank) : rank);
  return config;
}

Result<std::vector<float>> Widen(const TensorView& view, const std::string& where) {
  std::vector<float> out(static_cast<size_t>(view.elements()));
  if (!ToFloat(view, 0, view.elements(), out.data())) {
    return ModelError("wrong dtype", where, "F32, F16 or BF16", DTypeName(view.dtype));
  }
  for (float value : out) {
    if (!std::isfinite(value))
      return ModelError("value is not finite", where, "finite numbers", std::to_string(value));
  }
  return out;
}

}  // namespace

void LoraDelta::AddRows(int64_t first, int64_t count, float* out) const {
  std::vector<float> sum(static_cast<size_t>(cols));
  for (int64_t i = 0; i < count; ++i) {
    std::fill(sum.begin(), sum.end(), 0.0f);
    for (int64_t r = 0; r < rank; ++r) {
      const float factor = b[static_cast<size_t>((first + i) * rank + r)];
      const float* row = a.data() + r * cols;
      for (int64_t k = 0; k < cols; ++k) sum[static_cast<size_t>(k)] += factor * row[k];
    }
    float* to = out + i * cols;
    for (int64_t k = 0; k < cols; ++k) to[k] += scale * sum[static_cast<size_t>(k)];
  }
}

Result<std::shared_ptr<const Adapter>> Adapter::Open(const std::string& directory) {
  GATEHOUSE_ASSIGN(const AdapterConfig config, ReadConfig(directory + "/adapter_config.json"));
  const std::string path = directory + "/adapter_model.safetensors";
  GATEHOUSE_ASSIGN(const SafetensorsFile file, SafetensorsFile::Open(path));
  auto adapter = std::make_shared<Adapter>();
  adapter->directory_ = directory;
  for (const auto& [name, a] : file.tensors()) {
    const std::string where = path + ", tensor '" + name + "'";
    std::string_view module = name;
    const bool is_a = module.ends_with(kA);
    if (!module.starts_with(kPrefix) || (!is_a && !module.ends_with(kB))) {
      return ModelError("unexpected tensor", where, "base_model.model. ... .lora_A.weight or .lora_B.weight",
                        "another name");
    }
    module.remove_prefix(kPrefix.size());
    module.remove_suffix(kA.size());
    if (!is_a) {
      if (file.Find(std::string(kPrefix) + std::string(module) + std::string(kA)) == nullptr) {
        return ModelError("tensor missing", where, "a lora_A.weight beside it", "none");
      }
      continue;
    }
    const TensorView* b = file.Find(std::string(kPrefix) + std::string(module) + std::string(kB));
    if (b == nullptr) return ModelError("tensor missing", where, "a lora_B.weight beside it", "none");
    if (a.shape.size() != 2 || b->shape.size() != 2 || a.shape[0] != config.rank ||
        b->shape[1] != config.rank || a.shape[1] < 1 || b->shape[0] < 1) {
      return ModelError("wrong shape", where,
                        "A [r, in] and B [out, r] with r = " + std::to_string(config.rank),
                        ShapeString(a.shape) + " and " + ShapeString(b->shape));
    }
    LoraDelta delta;
    delta.rank = config.rank;
    delta.cols = a.shape[1];
    delta.rows = b->shape[0];
    delta.scale = static_cast<float>(config.scale);
    GATEHOUSE_ASSIGN(delta.a, Widen(a, where));
    GATEHOUSE_ASSIGN(delta.b, Widen(*b, where));
    if (!adapter->deltas_.emplace(CanonicalName(module) + ".weight", std::move(delta)).second) {
      return ModelError("module occurs twice", where, "each once", "two spellings");
    }
  }
  if (adapter->deltas_.empty()) return ModelError("empty adapter", path, "at least one module", "none");
  return std::shared_ptr<const Adapter>(std::move(adapter));
}

const LoraDelta* Adapter::Find(std::string_view name) const {
  const auto found = deltas_.find(name);
  return found == deltas_.end() ? nullptr : &found->second;
}

}  // namespace gatehouse

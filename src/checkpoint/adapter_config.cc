#include "checkpoint/adapter_config.h"

#include <algorithm>
#include <cmath>
#include <string_view>

#include "base/error.h"
#include "base/mapped_file.h"
#include "formats/json.h"

namespace gatehouse {
namespace {

constexpr size_t kMaxAdapterConfig = 1u << 20;
constexpr int kMaxRank = 1 << 16;

// Read below.
constexpr std::string_view kRead[] = {"peft_type",
                                      "task_type",
                                      "init_lora_weights",
                                      "bias",
                                      "r",
                                      "lora_alpha",
                                      "use_rslora",
                                      "use_dora",
                                      "rank_pattern",
                                      "alpha_pattern",
                                      "base_model_name_or_path",
                                      "modules_to_save"};
// These say how it was trained or begun, or which modules it has, which its tensors say as well.
constexpr std::string_view kHarmless[] = {
    "auto_mapping",    "peft_version",        "revision",          "inference_mode", "target_modules",
    "exclude_modules", "layers_to_transform", "layers_pattern",    "lora_dropout",   "megatron_core",
    "merge_weights",   "runtime_config",      "qalora_group_size", "eva_config",     "corda_config",
    "lora_ga_config"};

template <size_t N>
bool Has(const std::string_view (&list)[N], std::string_view name) {
  return std::find(std::begin(list), std::end(list), name) != std::end(list);
}

// An adapter begun in one of the other ways belongs to a base that was changed at that moment: over the
// published one it computes something else.
Result<void> CheckBeginning(const JsonFields& fields) {
  const Json* begun = fields.Find("init_lora_weights");
  if (begun == nullptr || begun->is_null() || begun->is_boolean()) return {};
  if (begun->is_string()) {
    for (const char* untouched : {"gaussian", "eva", "orthogonal", "mica"}) {
      if (*begun == untouched) return {};
    }
  }
  return ModelError(
      "adapter of a changed base", fields.Where("init_lora_weights"),
      "a beginning that leaves the base as it is: true, false, gaussian, eva, orthogonal or mica "
      "(PEFT's save_pretrained turns others into one by path_initial_model_for_weight_conversion)",
      ShortJson(*begun));
}

Result<bool> Switch(const JsonFields& fields, const char* key) {
  if (fields.IsNull(key)) return false;
  return fields.Bool(key, false);
}

Result<std::string> Word(const JsonFields& fields, const char* key) {
  if (fields.IsNull(key)) return std::string();
  return fields.String(key, std::string());
}

// {"pattern": number, ...}; number takes a value with its place and reads it.
template <typename T, typename Read>
Result<std::vector<std::pair<ModulePattern, T>>> Patterns(const JsonFields& fields, const char* key,
                                                          Read number) {
  std::vector<std::pair<ModulePattern, T>> out;
  const Json* object = fields.Find(key);
  if (object == nullptr || object->is_null()) return out;
  if (!object->is_object())
    return ModelError("bad value", fields.Where(key), "an object or null", object->type_name());
  // Each is tried on each module.
  constexpr size_t kMostPatterns = 4096;
  if (object->size() > kMostPatterns)
    return ModelError("too many patterns", fields.Where(key), "at most " + std::to_string(kMostPatterns),
                      std::to_string(object->size()));
  const JsonFields inner(*object, fields.Where(key));
  for (const auto& [name, value] : object->items()) {
    GATEHOUSE_ASSIGN(ModulePattern pattern, ModulePattern::Create(name, inner.where()));
    GATEHOUSE_ASSIGN(const T read, number(inner, name.c_str()));
    out.emplace_back(std::move(pattern), read);
  }
  return out;
}

Result<std::vector<std::string>> Names(const JsonFields& fields, const char* key) {
  std::vector<std::string> out;
  const Json* list = fields.Find(key);
  if (list == nullptr || list->is_null()) return out;
  // One name may stand without a list.
  const Json names = list->is_string() ? Json::array({*list}) : *list;
  if (!names.is_array())
    return ModelError("bad value", fields.Where(key), "a list of names", ShortJson(*list));
  for (const Json& name : names) {
    if (!name.is_string() || name.get<std::string>().empty())
      return ModelError("bad value", fields.Where(key), "a list of names", ShortJson(*list));
    out.push_back(name.get<std::string>());
  }
  return out;
}

}  // namespace

int64_t AdapterConfig::RankOf(const std::string& module) const {
  for (const auto& [pattern, value] : ranks) {
    // PEFT takes the first that fits, in the file's order.
    if (pattern.Fits(module)) return value;
  }
  return rank;
}

double AdapterConfig::ScaleOf(const std::string& module) const {
  double own_alpha = alpha;
  for (const auto& [pattern, value] : alphas) {
    if (!pattern.Fits(module)) continue;
    own_alpha = value;
    break;
  }
  const auto own_rank = static_cast<double>(RankOf(module));
  return own_alpha / (sqrt_rank ? std::sqrt(own_rank) : own_rank);
}

Result<AdapterConfig> ReadAdapterConfig(const std::string& path) {
  GATEHOUSE_ASSIGN(const std::string text, ReadFile(path, kMaxAdapterConfig, ErrorCode::kModel));
  GATEHOUSE_ASSIGN(const Json root, ParseJson(text, path, ErrorCode::kModel, kManyMembers));
  if (!root.is_object()) return ModelError("bad adapter config", path, "a JSON object", root.type_name());
  const JsonFields fields(root, path);
  GATEHOUSE_ASSIGN(const std::string type, fields.String("peft_type", std::nullopt));
  if (type != "LORA")
    return ModelError("not supported", fields.Where("peft_type"), "LORA", type.substr(0, 80));
  for (const auto& [key, value] : root.items()) {
    // A member that nobody here knows may change what the adapter computes: refused, not skipped.
    if (Has(kRead, key) || Has(kHarmless, key) || SaysNothing(value)) continue;
    return ModelError("not supported", fields.Where(key.substr(0, 80)), "none", ShortJson(value));
  }
  GATEHOUSE_ASSIGN(const std::string task, Word(fields, "task_type"));
  if (!task.empty() && task != "CAUSAL_LM")
    return ModelError("not supported", fields.Where("task_type"), "CAUSAL_LM or null", task.substr(0, 80));
  GATEHOUSE_TRY(CheckBeginning(fields));
  GATEHOUSE_ASSIGN(const std::string bias, Word(fields, "bias"));
  if (!bias.empty() && bias != "none")
    return ModelError("not supported", fields.Where("bias"), "none", bias.substr(0, 80));

  AdapterConfig config;
  GATEHOUSE_ASSIGN(config.rank, fields.Int64("r", std::nullopt, 1, kMaxRank));
  GATEHOUSE_ASSIGN(config.alpha, fields.Number("lora_alpha", 8.0, -1e6, 1e6));
  GATEHOUSE_ASSIGN(config.sqrt_rank, Switch(fields, "use_rslora"));
  GATEHOUSE_ASSIGN(config.dora, Switch(fields, "use_dora"));
  const auto rank = [](const JsonFields& inner, const char* key) {
    return inner.Int64(key, std::nullopt, 1, kMaxRank);
  };
  const auto alpha = [](const JsonFields& inner, const char* key) {
    return inner.Number(key, std::nullopt, -1e6, 1e6);
  };
  GATEHOUSE_ASSIGN(config.ranks, Patterns<int64_t>(fields, "rank_pattern", rank));
  GATEHOUSE_ASSIGN(config.alphas, Patterns<double>(fields, "alpha_pattern", alpha));
  GATEHOUSE_ASSIGN(config.saved_modules, Names(fields, "modules_to_save"));
  GATEHOUSE_ASSIGN(config.base, Word(fields, "base_model_name_or_path"));
  return config;
}

}  // namespace gatehouse

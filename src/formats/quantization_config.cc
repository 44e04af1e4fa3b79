#include "formats/quantization_config.h"

#include <algorithm>
#include <initializer_list>

#include "base/error.h"

namespace gatehouse {
namespace {

// Members that are not in the list may say something about the weights: they are refused by name.
Result<void> CheckMembers(const JsonFields& fields, const Json& object,
                          std::initializer_list<const char*> known) {
  for (const auto& [key, value] : object.items()) {
    const bool listed = std::find(known.begin(), known.end(), key) != known.end();
    if (!listed && !SaysNothing(value))
      return ModelError("quantised in a way that is not known", fields.Where(key), "no such member",
                        ShortJson(value));
  }
  return {};
}

// Absent and null members pass.
Result<void> Require(const JsonFields& fields, const char* key, std::initializer_list<Json> good) {
  const Json* value = fields.Find(key);
  if (value == nullptr || value->is_null()) return {};
  std::string expected;
  for (const Json& one : good) {
    if (*value == one) return {};
    expected += (expected.empty() ? "" : " or ") + one.dump();
  }
  return ModelError("quantised in a way that is not supported", fields.Where(key), expected,
                    ShortJson(*value));
}

Result<void> ReadBlock(const JsonFields& fields, const char* key, ScaledWeights* out) {
  const Json* block = fields.Find(key);
  const auto size = [&](size_t i) -> int64_t {
    const bool good =
        block != nullptr && block->is_array() && block->size() == 2 && (*block)[i].is_number_integer();
    return good ? (*block)[i].get<int64_t>() : 0;
  };
  const int64_t rows = size(0), cols = size(1);
  if (rows < 1 || cols < 1 || rows > (1 << 20) || cols > (1 << 20)) {
    return ModelError("bad value", fields.Where(key), "two sizes",
                      block == nullptr ? "nothing" : ShortJson(*block));
  }
  if (out->block_rows != 0 && (out->block_rows != rows || out->block_cols != cols))
    return ModelError("not supported", fields.Where(key), "one size of blocks", "two");
  out->block_rows = rows;
  out->block_cols = cols;
  return {};
}

// The weights of one group: 8 bits, no zero point, one scale a tensor, an output or a block.
Result<void> ReadGroup(const Json& group, const std::string& where, ScaledWeights* out) {
  if (!group.is_object()) return ModelError("bad value", where, "an object", ShortJson(group));
  const JsonFields fields(group, where);
  // What happens to activations is not read: they keep their precision here.
  GATEHOUSE_TRY(CheckMembers(fields, group,
                             {"targets", "weights", "input_activations", "output_activations", "format"}));
  GATEHOUSE_TRY(Require(fields, "format", {"float-quantized", "int-quantized", "naive-quantized"}));
  const Json* weights = fields.Find("weights");
  if (weights == nullptr || weights->is_null()) return {};
  if (!weights->is_object())
    return ModelError("bad value", fields.Where("weights"), "an object", ShortJson(*weights));
  const JsonFields args(*weights, fields.Where("weights"));
  GATEHOUSE_TRY(
      CheckMembers(args, *weights,
                   {"num_bits", "type", "symmetric", "strategy", "dynamic", "group_size", "block_structure",
                    "observer", "observer_kwargs", "actorder", "scale_dtype", "zp_dtype"}));
  GATEHOUSE_TRY(Require(args, "num_bits", {8}));
  GATEHOUSE_TRY(Require(args, "symmetric", {true}));
  GATEHOUSE_TRY(Require(args, "dynamic", {false}));
  GATEHOUSE_TRY(Require(args, "actorder", {false, "weight", "static"}));
  GATEHOUSE_ASSIGN(const std::string type, args.String("type", "int"));
  if (type != "float" && type != "int")
    return ModelError("quantised in a way that is not supported", args.Where("type"), "float or int",
                      type.substr(0, 80));
  (type == "float" ? out->float8 : out->int8) = true;
  GATEHOUSE_ASSIGN(const std::string strategy, args.String("strategy", "tensor"));
  if (strategy == "block") return ReadBlock(args, "block_structure", out);
  if (strategy != "tensor" && strategy != "channel") {
    return ModelError("quantised in a way that is not supported", args.Where("strategy"),
                      "tensor, channel or block", "'" + strategy.substr(0, 80) + "'");
  }
  return {};
}

Result<ScaledWeights> ReadCompressedTensors(const Json& object, const JsonFields& fields) {
  ScaledWeights out;
  GATEHOUSE_TRY(
      CheckMembers(fields, object,
                   {"quant_method", "format", "quantization_status", "config_groups", "ignore",
                    "kv_cache_scheme", "global_compression_ratio", "sparsity_config", "transform_config",
                    "version", "run_compressed", "dequantize", "use_optimized_inference"}));
  GATEHOUSE_TRY(Require(fields, "format", {"float-quantized", "int-quantized", "naive-quantized"}));
  GATEHOUSE_TRY(Require(fields, "quantization_status", {"compressed", "frozen"}));
  if (const Json* sparsity = fields.Find("sparsity_config"); sparsity != nullptr && !SaysNothing(*sparsity)) {
    if (!sparsity->is_object())
      return ModelError("bad value", fields.Where("sparsity_config"), "an object", ShortJson(*sparsity));
    GATEHOUSE_TRY(Require(JsonFields(*sparsity, fields.Where("sparsity_config")), "format", {"dense"}));
  }
  if (const Json* transform = fields.Find("transform_config");
      transform != nullptr && transform->is_object()) {
    const auto groups = transform->find("config_groups");
    if (groups != transform->end() && !SaysNothing(*groups))
      return ModelError("quantised in a way that is not supported", fields.Where("transform_config"), "none",
                        ShortJson(*transform));
  }
  const Json* groups = fields.Find("config_groups");
  if (groups == nullptr || !groups->is_object() || groups->empty()) {
    return ModelError("bad value", fields.Where("config_groups"), "an object of groups",
                      groups == nullptr ? "nothing" : ShortJson(*groups));
  }
  for (const auto& [name, group] : groups->items())
    GATEHOUSE_TRY(ReadGroup(group, fields.Where("config_groups, " + name), &out));
  return out;
}

// FBGEMM's, as of Llama 3.1 405B and Llama 4 Maverick: a scale an output.
Result<ScaledWeights> ReadFbgemm(const Json& object, const JsonFields& fields) {
  GATEHOUSE_TRY(
      CheckMembers(fields, object, {"quant_method", "activation_scale_ub", "modules_to_not_convert"}));
  ScaledWeights out;
  out.float8 = true;
  return out;
}

// transformers' "fp8" (a scale a block, weight_scale_inv) and vLLM's older files (a scale a tensor).
Result<ScaledWeights> ReadFp8(const Json& object, const JsonFields& fields) {
  GATEHOUSE_TRY(
      CheckMembers(fields, object,
                   {"quant_method", "activation_scheme", "weight_block_size", "modules_to_not_convert",
                    "ignored_layers", "fmt", "kv_cache_scheme", "dequantize"}));
  GATEHOUSE_TRY(Require(fields, "fmt", {"e4m3"}));
  ScaledWeights out;
  out.float8 = true;
  if (fields.Has("weight_block_size") && !fields.IsNull("weight_block_size"))
    GATEHOUSE_TRY(ReadBlock(fields, "weight_block_size", &out));
  return out;
}

Result<std::optional<ScaledWeights>> ParseOne(const Json& root, const std::string& where, const char* key) {
  const JsonFields outer(root, where);
  const Json* object = outer.Find(key);
  if (object == nullptr || SaysNothing(*object)) return std::optional<ScaledWeights>();
  if (!object->is_object()) return ModelError("bad value", outer.Where(key), "an object", ShortJson(*object));
  const JsonFields fields(*object, outer.Where(key));
  GATEHOUSE_ASSIGN(std::string method, fields.String("quant_method", ""));
  // bitsandbytes and compressed-tensors did not always write the method.
  if (method.empty() && (fields.Has("load_in_8bit") || fields.Has("load_in_4bit"))) method = "bitsandbytes";
  if (method.empty() && fields.Has("config_groups")) method = "compressed-tensors";
  Result<ScaledWeights> read =
      ModelError("quantised by a method that is not supported", fields.Where("quant_method"),
                 "none, compressed-tensors (8 bits), fbgemm_fp8 or fp8; the model itself in BF16, or a GGUF "
                 "file, will do",
                 method.empty() ? "nothing" : "'" + method.substr(0, 80) + "'");
  if (method == "compressed-tensors" || method == "compressed_tensors")
    read = ReadCompressedTensors(*object, fields);
  if (method == "fbgemm_fp8") read = ReadFbgemm(*object, fields);
  if (method == "fp8") read = ReadFp8(*object, fields);
  if (!read.ok()) return read.error();
  return std::optional<ScaledWeights>(*read);
}

}  // namespace

Result<std::optional<ScaledWeights>> ParseQuantization(const Json& root, const std::string& name) {
  for (const char* key : {"quantization_config", "compression_config"}) {
    GATEHOUSE_ASSIGN(const std::optional<ScaledWeights> found, ParseOne(root, name, key));
    if (found) return found;
  }
  // MLX writes a member of its own.
  if (const auto mlx = root.find("quantization"); mlx != root.end() && !SaysNothing(*mlx)) {
    return ModelError("quantised by a method that is not supported", name + ", quantization",
                      "none; the model itself in BF16, or a GGUF file, will do", "MLX's " + ShortJson(*mlx));
  }
  const auto text = root.find("text_config");
  if (text == root.end() || !text->is_object()) return std::optional<ScaledWeights>();
  return ParseOne(*text, name + ", text_config", "quantization_config");
}

}  // namespace gatehouse

#include "checkpoint/scaled.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "checkpoint/weights.h"

namespace gatehouse {
namespace {

float RoundAs(DType dtype, float value) {
  if (dtype == DType::kBF16) return Bf16ToFloat(FloatToBf16(value));
  return dtype == DType::kF16 ? F16ToFloat(FloatToF16(value)) : value;
}

// What belongs to activations and the cache of keys and values, which keep their precision here.
bool IsOfActivations(std::string_view name) {
  for (const char* suffix : {".input_scale", ".output_scale", ".input_scale_ub", ".k_scale", ".v_scale",
                             ".q_scale", ".prob_output_scale"}) {
    if (name.ends_with(suffix)) return true;
  }
  return false;
}

// The weight that a tensor of scales belongs to; empty: it is no such tensor.
std::string WeightOf(const std::string& name) {
  for (std::string_view suffix : {"weight_scale", "weight_scale_inv"}) {
    if (name.ends_with("." + std::string(suffix)))
      return name.substr(0, name.size() - suffix.size()) + "weight";
  }
  return {};
}

// What a fused tensor's name has behind it where its scales are.
constexpr std::string_view kFusedScale = "_scale";

struct Trace {
  std::string_view suffix, method;
};
// Tensors by which checkpoints are known whose config.json does not say how they were rounded.
constexpr Trace kTraces[] = {{".qweight", "GPTQ or AWQ"},
                             {".qzeros", "GPTQ or AWQ"},
                             {".g_idx", "GPTQ"},
                             {".SCB", "bitsandbytes"},
                             {".absmax", "bitsandbytes"},
                             {".quant_map", "bitsandbytes"},
                             {".weight_packed", "compressed-tensors, fewer than 8 bits"},
                             {".weight_zero_point", "compressed-tensors, not symmetric"},
                             {".W_q", "HQQ"},
                             {".codebooks", "AQLM"},
                             {"_proj_blocks", "MXFP4"}};

bool IsScaledType(DType dtype) { return dtype == DType::kF8_E4M3 || dtype == DType::kI8; }

Result<void> CheckFactors(const TensorView& factors, const std::string& where) {
  if (factors.dtype != DType::kF32 && factors.dtype != DType::kBF16 && factors.dtype != DType::kF16)
    return ModelError("wrong dtype", where, "F32, BF16 or F16", DTypeName(factors.dtype));
  std::vector<float> values(static_cast<size_t>(factors.elements()));
  ToFloat(factors, 0, factors.elements(), values.data());
  for (const float value : values) {
    // Zero is a scale: of a block of zeros.
    if (!std::isfinite(value) || value < 0)
      return ModelError("bad scale", where, "finite numbers from 0", std::to_string(value));
  }
  return {};
}

// How the scales of a plain weight are spread, told by their shape.
Result<WeightScale> SpreadOf(const TensorView& factors, const Shape& weight, const ScaledWeights& config,
                             const std::string& where) {
  WeightScale scale;
  scale.factors = factors;
  const Shape& shape = factors.shape;
  if (weight.size() != 1 && weight.size() != 2)
    return ModelError("wrong shape of the weight", where, "one or two sizes", ShapeString(weight));
  const int64_t rows = weight[0], cols = weight.size() == 2 ? weight[1] : 1;
  const int64_t count = factors.elements();
  const int64_t grid_rows = config.block_rows > 0 ? (rows + config.block_rows - 1) / config.block_rows : 0;
  const int64_t grid_cols = config.block_cols > 0 ? (cols + config.block_cols - 1) / config.block_cols : 0;
  if (grid_rows > 0 && shape == Shape{grid_rows, grid_cols}) {
    scale.stride = grid_cols;
    scale.block_rows = config.block_rows;
    scale.block_cols = config.block_cols;
    return scale;
  }
  if (count == 1) return scale;
  if (shape == Shape{rows} || shape == Shape{rows, 1}) {
    scale.stride = 1;
    scale.block_cols = cols;
    return scale;
  }
  return ModelError("wrong shape of scales", where,
                    "one scale, or one for each of " + std::to_string(rows) + " outputs" +
                        (grid_rows > 0 ? ", or " + ShapeString({grid_rows, grid_cols}) + " blocks" : ""),
                    ShapeString(shape));
}

}  // namespace

void ScaleRows(const WeightScale& scale, int64_t first_row, int64_t count, int64_t cols, float* values) {
  const auto factor = [&scale](int64_t at) {
    float value = 0;
    ToFloat(scale.factors, at, 1, &value);
    return value;
  };
  const DType dtype = scale.factors.dtype;
  for (int64_t row = first_row; row < first_row + count; ++row, values += cols) {
    const int64_t base = (scale.first + row / scale.block_rows) * scale.stride;
    const int64_t step = scale.stride == 0 ? cols : scale.block_cols;
    for (int64_t begin = 0; begin < cols; begin += step) {
      const float one = factor(scale.stride == 0 ? 0 : base + begin / step);
      const int64_t end = std::min(cols, begin + step);
      // Rounded to the type of the scales, in which the program that made the weights multiplies: its model
      // is the one that was measured.
      for (int64_t k = begin; k < end; ++k) values[k] = RoundAs(dtype, values[k] * one);
    }
  }
}

void WidenScaled(const TensorView& tensor, int64_t first, int64_t count, float* out) {
  if (tensor.dtype != DType::kI8) {
    ToFloat(tensor, first, count, out);
    return;
  }
  for (int64_t i = 0; i < count; ++i)
    out[i] = static_cast<float>(static_cast<int8_t>(tensor.data[first + i]));
}

// Moves tensors of scales to the weights that they belong to. What is rounded without a scale, or has a type
// that the config does not name, is an error.
Result<void> Checkpoint::AttachScales() {
  for (const auto& [name, stored] : stored_) {
    for (const Trace& trace : kTraces) {
      if (name.ends_with(trace.suffix))
        return ModelError("quantised by a method that is not supported", stored.file,
                          "F32, F16 or BF16 weights, or a GGUF file",
                          "'" + name + "', as of " + std::string(trace.method));
    }
  }
  // Without a word of the config tensors of scales stay where they are, and CheckAll refuses them by name.
  if (!config_.scaled) return {};
  for (auto at = stored_.begin(); at != stored_.end();) {
    const auto& [name, stored] = *at;
    const std::string where = stored.file + ", tensor '" + name + "'";
    if (IsOfActivations(name)) {
      at = stored_.erase(at);
      continue;
    }
    const bool of_fused = name.ends_with(kFusedScale);
    const auto fused = of_fused
                           ? fused_.find(std::string_view(name).substr(0, name.size() - kFusedScale.size()))
                           : fused_.end();
    const std::string weight = WeightOf(name);
    if (fused != fused_.end()) {
      GATEHOUSE_TRY(CheckFactors(stored.tensor, where));
      GATEHOUSE_TRY(AttachFusedScales(fused->second, stored.tensor, where));
    } else if (!weight.empty()) {
      GATEHOUSE_TRY(CheckFactors(stored.tensor, where));
      const auto found = stored_.find(weight);
      if (found == stored_.end() || !IsScaledType(found->second.tensor.dtype)) {
        return ModelError("scales without a weight of 8 bits", where, "'" + weight + "', F8_E4M3 or I8",
                          found == stored_.end() ? "none" : DTypeName(found->second.tensor.dtype));
      }
      GATEHOUSE_ASSIGN(found->second.scale,
                       SpreadOf(stored.tensor, found->second.shape, *config_.scaled, where));
    } else {
      ++at;
      continue;
    }
    at = stored_.erase(at);
  }
  for (const auto& [name, stored] : stored_) {
    const DType dtype = stored.tensor.dtype;
    if (!IsScaledType(dtype)) continue;
    const std::string where = stored.file + ", tensor '" + name + "'";
    if (!stored.scale)
      return ModelError("weights of 8 bits without a scale", where, "a tensor of scales beside it", "none");
    if (dtype == DType::kF8_E4M3 ? !config_.scaled->float8 : !config_.scaled->int8)
      return ModelError("wrong dtype", where, "what quantization_config says", DTypeName(dtype));
  }
  return {};
}

// Scales of a fused [experts, inputs, outputs] tensor: one for each output of each expert.
Result<void> Checkpoint::AttachFusedScales(const FusedExperts& fused, const TensorView& factors,
                                           const std::string& where) {
  const int64_t outputs = fused.shape[2];
  const Shape& shape = factors.shape;
  if (shape != Shape{config_.experts, 1, outputs} && shape != Shape{config_.experts, outputs, 1}) {
    return ModelError("wrong shape of scales", where, ShapeString({config_.experts, 1, outputs}),
                      ShapeString(shape));
  }
  for (int expert = 0; expert < config_.experts; ++expert) {
    for (const FusedExperts::Slice& slice : fused.slices) {
      const auto found = stored_.find(SpecOf(config_, {slice.weight, fused.layer, expert}).name);
      // A part of a fused tensor, that is: its shape is known to be that of a matrix.
      if (found == stored_.end() || found->second.order != StoredWeight::Order::kTransposed ||
          !IsScaledType(found->second.tensor.dtype))
        return ModelError("scales without a weight of 8 bits", where, "'" + fused.name + "' of F8_E4M3",
                          "another");
      WeightScale scale;
      scale.factors = factors;
      scale.first = expert * outputs + slice.first;
      scale.stride = 1;
      scale.block_cols = found->second.shape[1];
      found->second.scale = scale;
    }
  }
  return {};
}

}  // namespace gatehouse

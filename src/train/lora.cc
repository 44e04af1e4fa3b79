#include "train/lora.h"

#include <algorithm>
#include <cmath>
#include <string_view>

#include "base/error.h"
#include "base/mix64.h"

namespace gatehouse::train {
namespace {

constexpr int64_t kMaxRank = 4096;
constexpr double kMostDropped = 0.99;

std::string_view LastPart(std::string_view module) { return module.substr(module.rfind('.') + 1); }

// The linears of a network's layers and its head that the options name.
std::vector<TensorSpec> Chosen(const ModelConfig& config, const LoraOptions& options) {
  std::vector<TensorSpec> out;
  for (TensorSpec& spec : ListTensors(config)) {
    const bool text = spec.id.weight <= Weight::kHead;
    if (!text || spec.role != TensorSpec::Role::kLinear || spec.module().empty()) continue;
    if (spec.id.layer >= 0 && spec.id.layer < options.first_layer) continue;
    const std::string_view part = LastPart(spec.module());
    if (std::find(options.modules.begin(), options.modules.end(), part) == options.modules.end()) continue;
    out.push_back(std::move(spec));
  }
  return out;
}

// Values of (-bound, bound), each from its own number.
std::vector<float> Uniform(int64_t count, double bound, uint64_t seed) {
  std::vector<float> out(static_cast<size_t>(count));
  uint64_t counter = seed;
  for (float& value : out) {
    counter += kGolden64;
    const double unit = static_cast<double>(Mix64(counter) >> 11) * 0x1p-53;  // [0, 1)
    value = static_cast<float>((2 * unit - 1) * bound);
  }
  return out;
}

uint64_t SeedOf(std::string_view module, uint64_t seed) {
  uint64_t state = Mix64(seed + kGolden64);
  for (const char c : module) state = Mix64((state ^ static_cast<unsigned char>(c)) + kGolden64);
  return state;
}

}  // namespace

Result<LoraSet> LoraSet::Create(const ModelConfig& config, const LoraOptions& options, Operations& ops) {
  if (options.rank < 1 || options.rank > kMaxRank)
    return UsageError("rank out of range", "rank", "1 .. " + std::to_string(kMaxRank),
                      std::to_string(options.rank));
  if (!std::isfinite(options.alpha) || options.alpha <= 0)
    return UsageError("alpha out of range", "alpha", "a number above 0", std::to_string(options.alpha));
  if (!(options.dropout >= 0 && options.dropout <= kMostDropped))
    return UsageError("dropout out of range", "dropout", "0 to 0.99", std::to_string(options.dropout));
  const std::vector<TensorSpec> chosen = Chosen(config, options);
  for (const std::string& module : options.modules) {
    if (std::none_of(chosen.begin(), chosen.end(),
                     [&](const TensorSpec& spec) { return LastPart(spec.module()) == module; }))
      return UsageError("no such linear in the layers that are trained", "modules",
                        "q_proj, down_proj, lm_head ..", module);
  }
  LoraSet out;
  out.options_ = options;
  const auto lay = [&](Arena& space) {
    // Gradients first, one after the other, so that they are one matrix to whoever wants all.
    const Mat start = space.Take(0, 0);
    for (const TensorSpec& spec : chosen) {
      LoraPart& part = out.parts_[std::string(spec.module())];
      part.a_gradient = space.Take(options.rank, spec.shape[1]);
      part.b_gradient = space.Take(spec.shape[0], options.rank);
    }
    const Mat end = space.Take(0, 0);
    out.gradients_ = {start.buffer, start.offset, 1, end.offset - start.offset};
    for (const TensorSpec& spec : chosen) {
      LoraPart& part = out.parts_[std::string(spec.module())];
      part.a = space.Take(options.rank, spec.shape[1]);
      part.b = space.Take(spec.shape[0], options.rank);
    }
  };
  GATEHOUSE_TRY(out.memory_.Lay(ops, lay));
  for (const TensorSpec& spec : chosen) {
    const std::string module(spec.module());
    LoraPart& part = out.parts_[module];
    part.module = module;
    part.scale = static_cast<float>(options.alpha / static_cast<double>(options.rank));
    part.dropout = {static_cast<float>(options.dropout), SeedOf(module, 0)};
    ops.Upload(Uniform(options.rank * spec.shape[1], 1.0 / std::sqrt(static_cast<double>(spec.shape[1])),
                       SeedOf(module, options.seed)),
               part.a);
    ops.Zero(part.b);
    out.tensors_.push_back({module + ".lora_A.weight", part.a, part.a_gradient});
    out.tensors_.push_back({module + ".lora_B.weight", part.b, part.b_gradient});
  }
  out.ZeroGradients(ops);
  GATEHOUSE_TRY(ops.Finish());
  return out;
}

const LoraPart* LoraSet::Find(const TensorSpec& spec) const {
  const auto found = parts_.find(spec.module());
  return found == parts_.end() ? nullptr : &found->second;
}

}  // namespace gatehouse::train

#include "model/tensor_table.h"

#include <algorithm>

#include "model/tensor_rows.h"

namespace gatehouse {
namespace {

using Role = TensorSpec::Role;

// In a layer with experts the shared network is as wide as each of them.
tensor_rows::Sizes SizesOf(const ModelConfig& config, bool has_experts) {
  const VisionConfig& vision = config.vision;
  tensor_rows::Sizes sizes = {};
  sizes.vocab = config.vocab;
  sizes.hidden = config.hidden;
  sizes.queries = int64_t{config.heads} * config.head_dim;
  sizes.keys = int64_t{config.kv_heads} * config.head_dim;
  sizes.ffn = has_experts ? config.ffn_expert : config.ffn_dense;
  sizes.experts = config.experts;
  if (!vision.present) return sizes;
  const int64_t grid = vision.image_size / vision.patch_size;
  sizes.patch = int64_t{vision.channels} * vision.patch_size * vision.patch_size;
  sizes.positions = grid * grid + 1;  // the patches' and the class token's
  sizes.vision = vision.hidden;
  sizes.vision_ffn = vision.ffn;
  sizes.shuffled = int64_t{4} * vision.hidden;  // pixel shuffle by 0.5 joins four patches
  sizes.adapter_wide = vision.projector_input;
  sizes.adapter_narrow = vision.projector_output;
  sizes.vision_output = vision.output;
  return sizes;
}

constexpr const tensor_rows::Row& RowOf(Weight weight) {
  return tensor_rows::kRows[static_cast<size_t>(weight)];
}

constexpr std::string_view kWeight = ".weight", kBias = ".bias";

bool HasExperts(const ModelConfig& config, int layer) {
  const auto at = static_cast<size_t>(layer);
  return layer >= 0 && at < config.is_moe.size() && config.is_moe[at] != 0;
}

std::string LayerPrefix(int layer) { return "model.layers." + std::to_string(layer) + "."; }

// Where the published names of a layer have its feed-forward network.
std::string FeedForwardPrefix(const ModelConfig& config, int layer) {
  return LayerPrefix(layer) + (config.family == ModelConfig::Family::kLlama4 ? "feed_forward." : "mlp.");
}

std::string Prefix(const ModelConfig& config, tensor_rows::Section section, const TensorId& id) {
  switch (section) {
    case tensor_rows::Section::kOnce:
    case tensor_rows::Section::kVision:
      return {};
    case tensor_rows::Section::kLayer:
      return LayerPrefix(id.layer);
    case tensor_rows::Section::kRouting:
      return FeedForwardPrefix(config, id.layer);
    case tensor_rows::Section::kNetwork:
      if (!HasExperts(config, id.layer)) return FeedForwardPrefix(config, id.layer);
      if (id.expert == kNoExpert) return FeedForwardPrefix(config, id.layer) + "shared_expert.";
      return ExpertsPrefix(config, id.layer) + std::to_string(id.expert) + ".";
    case tensor_rows::Section::kVisionLayer:
      return "vision_model.model.layers." + std::to_string(id.layer) + ".";
  }
  return {};
}

Role RoleOf(tensor_rows::Kind kind) {
  switch (kind) {
    case tensor_rows::Kind::kTable:
      return Role::kEmbedding;
    case tensor_rows::Kind::kProduct:
    case tensor_rows::Kind::kRoundedProduct:
    case tensor_rows::Kind::kBiasedProduct:
      return Role::kLinear;
    case tensor_rows::Kind::kValues:
    case tensor_rows::Kind::kBiasedValues:
      break;
  }
  return Role::kValues;
}

// Adds the tensors of `first` .. `last` that stand in one section.
class Lister {
 public:
  explicit Lister(const ModelConfig& config) : config_(config) {}

  std::vector<TensorSpec> List() {
    Add(Weight::kEmbedding, Weight::kEmbedding, -1);
    for (int layer = 0; layer < config_.layers; ++layer) {
      Add(Weight::kAttentionNorm, Weight::kFeedForwardNorm, layer);
      const bool has_experts = HasExperts(config_, layer);
      if (has_experts) Add(Weight::kRouter, Weight::kRouter, layer);
      Add(Weight::kGate, Weight::kDown, layer);
      for (int expert = 0; has_experts && expert < config_.experts; ++expert)
        Add(Weight::kGate, Weight::kDown, layer, expert);
    }
    Add(Weight::kFinalNorm, Weight::kHead, -1);
    if (!config_.vision.present) return std::move(out_);
    Add(Weight::kPatches, Weight::kVisionPostNorm, -1);
    for (int layer = 0; layer < config_.vision.layers; ++layer)
      Add(Weight::kVisionAttentionNorm, Weight::kVisionNarrow, layer);
    Add(Weight::kAdapterWiden, Weight::kProjector, -1);
    return std::move(out_);
  }

 private:
  void Add(Weight first, Weight last, int layer, int expert = kNoExpert) {
    for (auto at = static_cast<size_t>(first); at <= static_cast<size_t>(last); ++at) {
      const tensor_rows::Row& row = tensor_rows::kRows[at];
      out_.push_back(SpecOf(config_, {row.weight, layer, expert}));
      if (row.kind == tensor_rows::Kind::kBiasedProduct || row.kind == tensor_rows::Kind::kBiasedValues)
        out_.push_back(SpecOf(config_, {row.weight, layer, expert, /*bias=*/true}));
    }
  }

  const ModelConfig& config_;
  std::vector<TensorSpec> out_;
};

}  // namespace

std::string_view TensorSpec::module() const {
  std::string_view path = name;
  if (role == Role::kValues || !path.ends_with(kWeight)) return {};
  path.remove_suffix(kWeight.size());
  return path;
}

TensorSpec SpecOf(const ModelConfig& config, const TensorId& id) {
  const tensor_rows::Row& row = RowOf(id.weight);
  const tensor_rows::Sizes sizes = SizesOf(config, HasExperts(config, id.layer));
  TensorSpec spec;
  spec.id = id;
  spec.name = Prefix(config, row.section, id);
  if (id.bias) {
    spec.name += row.name.substr(0, row.name.size() - kWeight.size());
    spec.name += kBias;
  } else {
    spec.name += row.name;
  }
  spec.shape = {sizes.*row.rows};
  if (row.cols != nullptr && !id.bias) spec.shape.push_back(sizes.*row.cols);
  spec.role = id.bias ? Role::kValues : RoleOf(row.kind);
  spec.may_round = row.kind == tensor_rows::Kind::kRoundedProduct;
  spec.input = {row.input, id.layer, id.expert};
  return spec;
}

std::vector<TensorSpec> ListTensors(const ModelConfig& config) { return Lister(config).List(); }

std::string_view NameOf(Weight weight) { return RowOf(weight).name; }

std::vector<FusedExperts> ListFusedExperts(const ModelConfig& config) {
  std::vector<FusedExperts> out;
  const int64_t hidden = config.hidden, ffn = config.ffn_expert;
  for (int layer = 0; layer < config.layers; ++layer) {
    if (!HasExperts(config, layer)) continue;
    const std::string prefix = ExpertsPrefix(config, layer);
    out.push_back({prefix + "gate_up_proj",
                   layer,
                   {config.experts, hidden, 2 * ffn},
                   {{Weight::kGate, 0}, {Weight::kUp, ffn}}});
    out.push_back({prefix + "down_proj", layer, {config.experts, ffn, hidden}, {{Weight::kDown, 0}}});
  }
  return out;
}

std::string ExpertsPrefix(const ModelConfig& config, int layer) {
  return FeedForwardPrefix(config, layer) + "experts.";
}

std::optional<TensorId> IdOfGguf(std::string_view name) {
  int layer = -1;
  if (constexpr std::string_view kBlock = "blk."; name.starts_with(kBlock)) {
    name.remove_prefix(kBlock.size());
    const size_t dot = name.find('.');
    if (dot == std::string_view::npos || dot == 0 || dot > 4) return std::nullopt;
    const std::string_view number = name.substr(0, dot);
    const bool canonical = number == "0" || number[0] != '0';
    if (!canonical || !std::all_of(number.begin(), number.end(), [](char c) { return c >= '0' && c <= '9'; }))
      return std::nullopt;
    layer = 0;
    for (const char digit : number) layer = 10 * layer + (digit - '0');
    name.remove_prefix(dot + 1);
  }
  for (const tensor_rows::Row& row : tensor_rows::kRows) {
    const bool in_layer = row.section != tensor_rows::Section::kOnce;
    if (!row.gguf.empty() && row.gguf == name && in_layer == (layer >= 0)) return TensorId{row.weight, layer};
  }
  return std::nullopt;
}

}  // namespace gatehouse

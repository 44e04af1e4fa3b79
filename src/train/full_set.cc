#include "train/full_set.h"

#include <algorithm>
#include <string_view>

#include "base/error.h"

namespace gatehouse::train {
namespace {

// "q_proj" of "model.layers.0.self_attn.q_proj.weight".
std::string_view KindOf(const TensorSpec& spec) {
  std::string_view name = spec.name;
  if (name.ends_with(".weight")) name.remove_suffix(7);
  return name.substr(name.rfind('.') + 1);
}

// The text's weights that the options name.
std::vector<TensorSpec> Chosen(const ModelConfig& config, const FullOptions& options) {
  std::vector<TensorSpec> out;
  const std::vector<std::string>& kinds = options.modules;
  for (TensorSpec& spec : ListTensors(config)) {
    const bool text = spec.id.weight <= Weight::kHead;
    if (config.tied && spec.id.weight == Weight::kHead) continue;  // the embedding table
    if (!text || (spec.id.layer >= 0 && spec.id.layer < options.first_layer)) continue;
    if (!kinds.empty() && std::find(kinds.begin(), kinds.end(), KindOf(spec)) == kinds.end()) continue;
    out.push_back(std::move(spec));
  }
  return out;
}

int64_t RowsOf(const TensorSpec& spec) { return spec.shape.size() > 1 ? spec.shape[0] : 1; }
int64_t ColsOf(const TensorSpec& spec) { return spec.shape.back(); }

}  // namespace

Result<FullSet> FullSet::Create(const ModelConfig& config, const FullOptions& options,
                                const WeightLookup& lookup, Operations& ops) {
  const std::vector<TensorSpec> chosen = Chosen(config, options);
  for (const std::string& kind : options.modules) {
    if (std::none_of(chosen.begin(), chosen.end(),
                     [&](const TensorSpec& spec) { return KindOf(spec) == kind; }))
      return UsageError("no such weight in the layers that are trained", "modules",
                        "q_proj, input_layernorm, embed_tokens ..", kind);
  }
  FullSet out;
  if (config.tied) out.head_ = SpecOf(config, {Weight::kEmbedding}).name;
  out.tensors_.resize(chosen.size());
  GATEHOUSE_TRY(out.memory_.Lay(ops, [&](Arena& space) {
    // Gradients first, one after the other, so that they are one matrix to whoever wants all.
    const Mat start = space.Take(0, 0);
    for (size_t i = 0; i < chosen.size(); ++i)
      out.tensors_[i].gradient = space.Take(RowsOf(chosen[i]), ColsOf(chosen[i]));
    const Mat end = space.Take(0, 0);
    out.gradients_ = {start.buffer, start.offset, 1, end.offset - start.offset};
    for (size_t i = 0; i < chosen.size(); ++i)
      out.tensors_[i].value = space.Take(RowsOf(chosen[i]), ColsOf(chosen[i]));
  }));
  std::vector<float> rows;
  for (size_t i = 0; i < chosen.size(); ++i) {
    GATEHOUSE_ASSIGN(const WeightView view, lookup(chosen[i]));
    rows.resize(static_cast<size_t>(view.rows * view.cols));
    view.ReadRows(0, view.rows, rows.data());
    out.tensors_[i].name = chosen[i].name;
    ops.Upload(rows, out.tensors_[i].value);
    out.places_.emplace(chosen[i].name, i);
  }
  out.ZeroGradients(ops);
  GATEHOUSE_TRY(ops.Finish());
  return out;
}

const TrainedTensor* FullSet::FindWhole(const TensorSpec& spec) const {
  const bool is_tied_head = spec.id.weight == Weight::kHead && !head_.empty();
  const auto found = places_.find(is_tied_head ? head_ : spec.name);
  return found == places_.end() ? nullptr : &tensors_[found->second];
}

}  // namespace gatehouse::train

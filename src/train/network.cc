#include "train/network.h"

#include <algorithm>
#include <new>
#include <string>

#include "base/error.h"
#include "model/rope.h"

namespace gatehouse::train {
namespace {

std::vector<int32_t> RowsRead(const TrainBatch& batch) {
  std::vector<int32_t> rows;
  for (const TrainBatch::Target& target : batch.targets) rows.push_back(target.row);
  return rows;
}

}  // namespace

Result<std::unique_ptr<Network>> Network::Create(const ModelConfig& config, const WeightLookup& lookup,
                                                 const TrainedWeights& trained, Operations& ops, bool again) {
  std::unique_ptr<Network> out(new Network(config, trained, ops, again));
  out->frequencies_ = RopeFrequencies(config);
  GATEHOUSE_ASSIGN(out->embeddings_, lookup(SpecOf(config, {Weight::kEmbedding})));
  out->own_embeddings_ = trained.FindWhole(SpecOf(config, {Weight::kEmbedding}));
  int first = 0;
  // Experts have other linears, which Load refuses.
  const bool from_ids = out->own_embeddings_ != nullptr;
  while (!from_ids && first < config.layers && !Layer::IsTrained(config, first, trained)) ++first;
  out->first_trained_ = static_cast<size_t>(first);
  for (int i = 0; i < config.layers; ++i) {
    const Layer::Reach reach = i < first                 ? Layer::Reach::kNot
                               : i == first && !from_ids ? Layer::Reach::kInto
                                                         : Layer::Reach::kThrough;
    GATEHOUSE_ASSIGN(Layer layer, Layer::Load(config, i, lookup, trained, reach, ops));
    out->layers_.push_back(std::move(layer));
  }
  GATEHOUSE_ASSIGN(out->final_norm_, NormWeight::Load(config, {Weight::kFinalNorm}, lookup, trained, ops));
  const bool head_goes_back = first < config.layers || out->final_norm_.gradient.buffer != nullptr;
  GATEHOUSE_ASSIGN(out->head_,
                   AdaptedLinear::Load(config, {Weight::kHead}, lookup, trained, head_goes_back, ops));
  GATEHOUSE_TRY(ops.Finish());
  return out;
}

Result<void> Network::Check(const PackedRows& rows, std::span<const int32_t> ids,
                            std::span<const int32_t> read, std::span<const PictureRows> pictures) const {
  const auto wrong = [](const char* what, int64_t expected, int64_t found) {
    return Error{ErrorCode::kInternal, what, "training batch", std::to_string(expected),
                 std::to_string(found)};
  };
  const int64_t count = rows.rows();
  if (count < 1) return wrong("no rows", 1, count);
  if (static_cast<int64_t>(ids.size()) != count)
    return wrong("rows without token ids", count, static_cast<int64_t>(ids.size()));
  int64_t next = rows.prefix;
  for (const PackedRows::Segment& segment : rows.segments) {
    if (segment.first != next || segment.count < 1)
      return wrong("a gap between conversations", next, segment.first);
    next += segment.count;
  }
  for (const int32_t id : ids) {
    if (id < 0 || id >= config_.vocab) return wrong("token id out of range", config_.vocab - 1, id);
  }
  for (const int32_t row : read) {
    if (row < 0 || row >= count) return wrong("row out of range", count - 1, row);
  }
  for (const PictureRows& picture : pictures) {
    const int64_t end = int64_t{picture.row} + picture.count;
    if (picture.row < 0 || picture.count < 1 || end > count) return wrong("picture out of range", count, end);
    const int64_t values = (picture.first + picture.count) * config_.hidden;
    if (picture.values == nullptr || static_cast<int64_t>(picture.values->size()) < values)
      return wrong("picture without its vectors", values, 0);
  }
  return {};
}

void Network::PlacePositions(const PackedRows& rows) {
  const std::vector<int32_t> positions = rows.Positions();
  std::vector<float> cos, sin, temperature;
  RopeTables(positions, frequencies_, &cos, &sin);
  ops_.Upload(cos, tape_.angles.cos);
  ops_.Upload(sin, tape_.angles.sin);
  for (float& value : sin) value = -value;
  ops_.Upload(sin, tape_.angles.minus_sin);
  tape_.angles.interleaved = config_.interleaved_rope();
  for (const int32_t position : positions) temperature.push_back(TemperatureAt(position, config_));
  ops_.Upload(temperature, tape_.temperature);
}

Result<void> Network::Forward(const PackedRows& rows, std::span<const int32_t> ids,
                              std::span<const int32_t> read, std::span<const PictureRows> pictures,
                              uint64_t drop_seed) {
  GATEHOUSE_TRY(Check(rows, ids, read, pictures));
  GATEHOUSE_TRY(
      tape_.Lay(config_, {rows.rows(), static_cast<int64_t>(read.size()), rank_, drops_, again_}, ops_));
  tape_.work.lora.drop_seed = tape_.head.lora.drop_seed = drop_seed;
  PlacePositions(rows);
  const Mat embedded = layers_.empty() ? tape_.output : tape_.layers[0].input;
  if (own_embeddings_ != nullptr)
    ops_.GatherRows(own_embeddings_->value, ids, embedded);
  else
    ops_.Embed(embeddings_, ids, embedded);
  for (const PictureRows& picture : pictures) {
    const auto at = static_cast<size_t>(picture.first * config_.hidden);
    const auto values = static_cast<size_t>(int64_t{picture.count} * config_.hidden);
    ops_.Upload(std::span(*picture.values).subspan(at, values), embedded.Rows(picture.row, picture.count));
  }
  for (size_t i = 0; i < layers_.size(); ++i) ForwardOf(i, rows);
  const HeadTape& head = tape_.head;
  ops_.GatherRows(tape_.output, read, head.rows);
  ops_.RmsNorm(head.rows, final_norm_.values, static_cast<float>(config_.norm_eps), head.normed);
  head_->Forward(ops_, head.normed, head.logits, head.low, head.lora);
  return {};
}

void Network::ForwardOf(size_t layer, const PackedRows& rows) {
  layers_[layer].Forward({ops_, rows, tape_}, tape_.layers[layer],
                         layer + 1 < layers_.size() ? tape_.layers[layer + 1].input : tape_.output);
}

Result<std::vector<float>> Network::Logits(const PackedRows& rows, std::span<const int32_t> ids,
                                           std::span<const int32_t> read,
                                           std::span<const PictureRows> pictures) {
  try {
    GATEHOUSE_TRY(Forward(rows, ids, read, pictures, /*drop_seed=*/0));
    std::vector<float> out(read.size() * static_cast<size_t>(config_.vocab));
    ops_.Download(tape_.head.logits, out);
    GATEHOUSE_TRY(ops_.Finish());
    return out;
  } catch (const std::bad_alloc&) {
    return OutOfMemory("training");
  }
}

Result<double> Network::LossOfLogits(const TrainBatch& batch) {
  std::vector<int32_t> tokens;
  std::vector<float> weights;
  for (const TrainBatch::Target& target : batch.targets) {
    if (target.token < 0 || target.token >= config_.vocab)
      return Error{ErrorCode::kInternal, "target out of range", "training batch",
                   "below " + std::to_string(config_.vocab), std::to_string(target.token)};
    tokens.push_back(target.token);
    weights.push_back(static_cast<float>(target.weight / batch.divide_by));
  }
  return ops_.CrossEntropy(tape_.head.logits, tokens, weights);
}

Result<double> Network::Loss(const TrainBatch& batch) {
  try {
    GATEHOUSE_TRY(Forward(batch.rows, batch.ids, RowsRead(batch), batch.pictures, batch.drop_seed));
    GATEHOUSE_ASSIGN(const double loss, LossOfLogits(batch));
    GATEHOUSE_TRY(ops_.Finish());
    return loss;
  } catch (const std::bad_alloc&) {
    return OutOfMemory("training");
  }
}

Result<double> Network::Gradients(const TrainBatch& batch) {
  try {
    const std::vector<int32_t> read = RowsRead(batch);
    GATEHOUSE_TRY(Forward(batch.rows, batch.ids, read, batch.pictures, batch.drop_seed));
    GATEHOUSE_ASSIGN(const double loss, LossOfLogits(batch));
    Back(batch, read);
    GATEHOUSE_TRY(ops_.Finish());
    return loss;
  } catch (const std::bad_alloc&) {
    return OutOfMemory("training");
  }
}

void Network::Back(const TrainBatch& batch, std::span<const int32_t> read) {
  const PackedRows& rows = batch.rows;
  const HeadTape& head = tape_.head;
  const bool into_layers = first_trained_ < layers_.size() || own_embeddings_ != nullptr;
  const bool goes_on = into_layers || final_norm_.gradient.buffer != nullptr;
  head_->Back(ops_, head.logits, head.normed, head.low, head.lora, {goes_on ? head.normed_gradient : Mat{}});
  if (!goes_on) return;
  ops_.Zero(head.rows_gradient);
  final_norm_.Back(ops_, head.rows, static_cast<float>(config_.norm_eps), head.normed_gradient,
                   into_layers ? head.rows_gradient : Mat{});
  if (!into_layers) return;
  ops_.Zero(tape_.gradient);
  ops_.ScatterAddRows(head.rows_gradient, read, tape_.gradient);
  for (size_t i = layers_.size(); i-- > first_trained_;) {
    // The last layer's is still there; what is computed again writes the next one's input as it was.
    if (again_ && i + 1 < layers_.size()) ForwardOf(i, rows);
    layers_[i].Back({ops_, rows, tape_}, tape_.layers[i]);
  }
  if (own_embeddings_ == nullptr) return;
  // What stands in for embeddings is none of the table.
  for (const PictureRows& picture : batch.pictures)
    ops_.Zero(tape_.gradient.Rows(picture.row, picture.count));
  ops_.ScatterAddRows(tape_.gradient, batch.ids, own_embeddings_->gradient);
}

}  // namespace gatehouse::train

#include "model/decoder_pass.h"

#include <algorithm>
#include <string>

#include "base/error.h"
#include "model/rope.h"

namespace gatehouse {
namespace {

// Rotary angles are kept for every position below the last one.
constexpr int32_t kMostPositions = 1 << 24;

Result<void> CheckRow(const BatchRow& row, const Batch& batch, const ModelConfig& config) {
  const auto wrong = [](std::string what, int64_t bound, int64_t found) {
    return Error{ErrorCode::kInternal, std::move(what), "batch", "below " + std::to_string(bound),
                 std::to_string(found)};
  };
  if (row.token < 0 || row.token >= config.vocab)
    return wrong("token id out of range", config.vocab, row.token);
  if (row.position < 0 || row.position >= kMostPositions)
    return wrong("position out of range", kMostPositions, row.position);
  if (row.embedding < 0) return {};
  const auto pictures = static_cast<int64_t>(batch.embeddings.size());
  if (row.picture < 0 || row.picture >= pictures) return wrong("picture out of range", pictures, row.picture);
  const int64_t rows = batch.embeddings[static_cast<size_t>(row.picture)].rows;
  if (row.embedding >= rows) return wrong("embedding row out of range", rows, row.embedding);
  return {};
}

}  // namespace

DecoderPass::DecoderPass(const ModelConfig& config, Backend& backend)
    : normed(backend, backend.ActivationType()),
      q(backend, backend.ActivationType()),
      k(backend, backend.ActivationType()),
      v(backend, backend.ActivationType()),
      attended(backend, backend.ActivationType()),
      gate(backend, backend.ActivationType()),
      up(backend, backend.ActivationType()),
      scores(backend),
      logits(backend),
      config_(config),
      backend_(backend),
      hidden_(backend),
      read_(backend),
      ids_(backend, DType::kI32),
      positions_(backend, DType::kI32),
      kept_positions_(backend, DType::kI32),
      picture_rows_(backend, DType::kI32),
      picture_targets_(backend, DType::kI32),
      kept_(backend, DType::kI32),
      temperature_(backend),
      kept_temperature_(backend),
      layout_(backend.CreateLayout()),
      kept_layout_(backend.CreateLayout()) {}

std::vector<std::pair<Workspace*, int64_t>> DecoderPass::Sizes(int64_t row_count, int64_t read_count) {
  const int64_t n = row_count;
  const int64_t q_width = static_cast<int64_t>(config_.heads) * config_.head_dim;
  const int64_t kv_width = static_cast<int64_t>(config_.kv_heads) * config_.head_dim;
  // Both kinds of networks may be there, and they take the same matrices one after the other.
  const bool any_dense = std::find(config_.is_moe.begin(), config_.is_moe.end(), 0) != config_.is_moe.end();
  const bool any_experts = std::find(config_.is_moe.begin(), config_.is_moe.end(), 1) != config_.is_moe.end();
  const int64_t ffn = std::max(any_dense ? config_.ffn_dense : 0, any_experts ? config_.ffn_expert : 0);
  return {{&hidden_, n * config_.hidden},
          {&normed, n * config_.hidden},
          {&q, n * q_width},
          {&k, n * kv_width},
          {&v, n * kv_width},
          {&attended, n * q_width},
          {&gate, n * ffn},
          {&up, n * ffn},
          {&scores, any_experts ? n * config_.experts : 0},
          {&read_, n * config_.hidden},
          {&logits, read_count * config_.vocab},
          {&ids_, n},
          {&positions_, n},
          {&kept_positions_, n},
          {&picture_rows_, n},
          {&picture_targets_, n},
          {&kept_, n},
          {&temperature_, n},
          {&kept_temperature_, n}};
}

int64_t DecoderPass::BytesFor(int64_t row_count, int64_t read_count) {
  int64_t bytes = 0;
  for (const auto& [space, elements] : Sizes(row_count, read_count)) bytes += space->BytesFor(elements);
  return bytes;
}

Result<void> DecoderPass::Reserve(const Batch& batch, std::span<const int32_t> read) {
  for (const BatchRow& row : batch.rows) GATEHOUSE_TRY(CheckRow(row, batch, config_));
  for (const int32_t row : read) {
    if (row < 0 || row >= static_cast<int64_t>(batch.rows.size()))
      return InternalError("a row is read that is not there", "batch");
  }
  // For the largest pass that the backend likes, whatever this one's size: what is taken once stays in place.
  const PassLimits limits = backend_.Limits();
  const int64_t most = std::max<int64_t>(limits.max_rows, static_cast<int64_t>(batch.rows.size()));
  const int64_t most_read = std::max<int64_t>(limits.max_read_rows, static_cast<int64_t>(read.size()));
  for (const auto& [space, elements] : Sizes(most, most_read)) GATEHOUSE_TRY(space->Reserve(elements));
  return {};
}

Result<void> DecoderPass::Begin(const Batch& batch, std::span<const int32_t> read, KvCache& kv_cache,
                                RotaryTable& rotary, int trim) {
  const auto count = static_cast<int64_t>(batch.rows.size());
  cache = &kv_cache;
  trim_layer = trim;
  AttentionLayout where = MakeLayout(batch, config_.attention_chunk);
  backend_.Prepare(where, *layout_);
  layout = layout_.get();

  std::vector<int32_t> at;
  std::vector<float> sharpness;
  for (const BatchRow& row : batch.rows) {
    at.push_back(row.position);
    sharpness.push_back(TemperatureAt(row.position, config_));
  }
  positions = positions_.Get(count, 1);
  temperature = temperature_.Get(count, 1);
  backend_.Upload(at, positions);
  backend_.Upload(sharpness, temperature);
  // Angles are a table by position on the device; only one that is too short is made anew.
  const int32_t last = at.empty() ? 0 : *std::max_element(at.begin(), at.end());
  GATEHOUSE_ASSIGN(angles_, rotary.UpTo(int64_t{last} + 1));
  cos = angles_->cos;
  sin = angles_->sin;

  // The same of the rows that are read, for when the others have left.
  AttentionLayout kept = {{}, where.extra_slots, where.extra_positions, where.pages};
  std::vector<int32_t> kept_at;
  std::vector<float> kept_sharpness;
  for (const int32_t row : read) {
    kept.rows.push_back(where.rows[static_cast<size_t>(row)]);
    kept_at.push_back(at[static_cast<size_t>(row)]);
    kept_sharpness.push_back(sharpness[static_cast<size_t>(row)]);
  }
  kept_count_ = static_cast<int64_t>(kept_at.size());
  backend_.Prepare(kept, *kept_layout_);
  backend_.Upload(read, kept_.Get(kept_count_, 1));
  backend_.Upload(kept_at, kept_positions_.Get(kept_count_, 1));
  backend_.Upload(kept_sharpness, kept_temperature_.Get(kept_count_, 1));
  return {};
}

void DecoderPass::Embed(const Batch& batch, const DeviceWeight& table) {
  const auto count = static_cast<int64_t>(batch.rows.size());
  std::vector<int32_t> ids;
  for (const BatchRow& row : batch.rows) ids.push_back(row.token);
  backend_.Upload(ids, ids_.Get(count, 1));
  rows = hidden_.Get(count, config_.hidden);
  backend_.Embed(table, ids_.Get(count, 1), rows);

  // Rows of pictures: each picture's behind each other in the two lists.
  std::vector<int32_t> from, to;
  std::vector<int64_t> ends;
  for (size_t picture = 0; picture < batch.embeddings.size(); ++picture) {
    for (size_t i = 0; i < batch.rows.size(); ++i) {
      const BatchRow& row = batch.rows[i];
      if (row.embedding < 0 || static_cast<size_t>(row.picture) != picture) continue;
      from.push_back(row.embedding);
      to.push_back(static_cast<int32_t>(i));
    }
    ends.push_back(static_cast<int64_t>(from.size()));
  }
  const auto named = static_cast<int64_t>(from.size());
  if (named == 0) return;
  const Mat from_rows = picture_rows_.Get(named, 1), to_rows = picture_targets_.Get(named, 1);
  backend_.Upload(from, from_rows);
  backend_.Upload(to, to_rows);
  int64_t first = 0;
  for (size_t picture = 0; picture < ends.size(); ++picture) {
    const int64_t of_it = ends[picture] - first;
    if (of_it > 0) {
      // Over the embeddings of the tokens that stand for patches, which are looked up like any others.
      backend_.CopyRows(batch.embeddings[picture], from_rows.Rows(first, of_it), rows,
                        to_rows.Rows(first, of_it));
    }
    first = ends[picture];
  }
}

void DecoderPass::KeepReadRows() {
  const Mat kept = read_.Get(kept_count_, rows.cols);
  backend_.CopyRows(rows, kept_.Get(kept_count_, 1), kept, {});
  rows = kept;
  positions = kept_positions_.Get(kept_count_, 1);
  temperature = kept_temperature_.Get(kept_count_, 1);
  layout = kept_layout_.get();
}

}  // namespace gatehouse

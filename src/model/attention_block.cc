// Attention of a decoder's layer over the key/value cache, with or without rotary positions.
#include <cmath>

#include "model/block.h"

namespace gatehouse {
namespace {

class AttentionBlock : public Block {
 public:
  AttentionBlock(const ModelConfig& config, int layer)
      : layer_(layer),
        head_dim_(config.head_dim),
        q_width_(static_cast<int64_t>(config.heads) * config.head_dim),
        kv_width_(static_cast<int64_t>(config.kv_heads) * config.head_dim),
        eps_(static_cast<float>(config.norm_eps)),
        rotates_(config.uses_rope[static_cast<size_t>(layer)] != 0),
        interleaved_(config.interleaved_rope()),
        norms_heads_(rotates_ && config.qk_norm),
        sharpens_(!rotates_ && config.temperature_tuning),
        chunked_(config.attention_chunk > 0 && config.chunked[static_cast<size_t>(layer)] != 0) {}

  Result<void> Load(const WeightLoader& weights) {
    GATEHOUSE_ASSIGN(norm_, weights.Load({Weight::kAttentionNorm, layer_}));
    GATEHOUSE_ASSIGN(q_, weights.Load({Weight::kQuery, layer_}));
    GATEHOUSE_ASSIGN(k_, weights.Load({Weight::kKey, layer_}));
    GATEHOUSE_ASSIGN(v_, weights.Load({Weight::kValue, layer_}));
    GATEHOUSE_ASSIGN(o_, weights.Load({Weight::kAttentionOutput, layer_}));
    return {};
  }

  void Run(DecoderPass& pass) const override {
    Backend& backend = pass.backend();
    const Mat k = pass.k.Get(pass.rows.rows, kv_width_);
    const Mat v = pass.v.Get(pass.rows.rows, kv_width_);
    Mat q = pass.q.Get(pass.rows.rows, q_width_);
    const bool trims = pass.trim_layer == layer_;
    const LinearInput normed = LinearInput::RmsNorm(pass.rows, norm_.get(), eps_);
    if (trims) {
      backend.Linear(normed, {{k_.get(), nullptr, k}, {v_.get(), nullptr, v}});
    } else {
      backend.Linear(normed, {{q_.get(), nullptr, q}, {k_.get(), nullptr, k}, {v_.get(), nullptr, v}});
    }
    Place(pass, k);
    backend.WriteKv(*pass.cache, layer_, *pass.layout, k, v);
    if (trims) {  // the others were there for their keys and values
      pass.KeepReadRows();
      if (pass.rows.rows == 0) return;
      q = pass.q.Get(pass.rows.rows, q_width_);
      backend.Linear(LinearInput::RmsNorm(pass.rows, norm_.get(), eps_), {{q_.get(), nullptr, q}});
    }
    Place(pass, q);
    if (sharpens_) backend.ScaleRows(q, pass.temperature);
    const Mat attended = pass.attended.Get(q.rows, q_width_);
    const float scale = 1.0f / std::sqrt(static_cast<float>(head_dim_));
    backend.Attention(*pass.cache, layer_, *pass.layout, q, scale, chunked_, attended);
    backend.Linear(attended, {{o_.get(), nullptr, pass.rows, /*adds=*/true}});
  }

 private:
  // Rotates every head of queries or keys to the row's position.
  void Place(const DecoderPass& pass, Mat heads) const {
    if (!rotates_) return;
    pass.backend().Rope(heads, head_dim_, pass.cos, pass.sin, pass.positions, interleaved_);
    if (norms_heads_) pass.backend().NormHeads(heads, head_dim_, eps_);
  }

  int layer_;
  int head_dim_;
  int64_t q_width_, kv_width_;
  float eps_;
  bool rotates_, interleaved_, norms_heads_, sharpens_, chunked_;
  WeightPtr norm_;       // [1, hidden]
  WeightPtr q_, k_, v_;  // [heads * head_dim, hidden], [kv_heads * head_dim, hidden] twice
  WeightPtr o_;          // [hidden, heads * head_dim]
};

}  // namespace

Result<std::unique_ptr<Block>> MakeAttention(const ModelConfig& config, int layer,
                                             const WeightLoader& weights) {
  auto block = std::make_unique<AttentionBlock>(config, layer);
  GATEHOUSE_TRY(block->Load(weights));
  return std::unique_ptr<Block>(std::move(block));
}

}  // namespace gatehouse

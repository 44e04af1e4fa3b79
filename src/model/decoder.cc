#include "model/decoder.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/error.h"
#include "model/rope.h"
#include "model/workspace.h"

namespace gatehouse {

using WeightPtr = std::unique_ptr<DeviceWeight>;

// One SwiGLU network: gate and up [ffn, hidden], down [hidden, ffn].
struct FeedForward {
  WeightPtr gate, up, down;
};

struct Decoder::Layer {
  WeightPtr attention_norm;  // [hidden]
  WeightPtr q, k, v,
      o;  // [heads * head_dim, hidden], [kv_heads * head_dim, hidden] twice, [hidden, heads * head_dim]
  WeightPtr feed_forward_norm;  // [hidden]
  FeedForward dense;            // the shared expert where there are experts
  WeightPtr router;             // [experts, hidden]
  std::vector<FeedForward> experts;
};

struct Decoder::Work {
  explicit Work(Backend& backend)
      : x(backend),
        normed(backend),
        q(backend),
        k(backend),
        v(backend),
        attended(backend),
        gate(backend),
        up(backend),
        cos(backend),
        sin(backend),
        expert_in(backend),
        expert_out(backend),
        router(backend),
        read(backend),
        read_cos(backend),
        read_sin(backend),
        logits(backend) {}
  Workspace x, normed, q, k, v, attended, gate, up, cos, sin, expert_in, expert_out, router, read, read_cos,
      read_sin, logits;
  Mat rows;      // hidden state of this pass [rows, hidden]
  Mat cos_rows;  // [rows, head_dim / 2]
  Mat sin_rows;
  std::vector<float> temperature;  // of q, one a row
};

Decoder::Decoder(const ModelConfig& config, Backend& backend)
    : config_(config),
      backend_(backend),
      frequencies_(RopeFrequencies(config)),
      work_(std::make_unique<Work>(backend)),
      other_work_(std::make_unique<Work>(backend)) {}
Decoder::~Decoder() = default;

double Decoder::AttentionShare() const {
  const double hidden = config_.hidden;
  const double q_width = static_cast<double>(config_.heads) * config_.head_dim;
  const double kv_width = static_cast<double>(config_.kv_heads) * config_.head_dim;
  double products = 0;
  for (const uint8_t moe : config_.is_moe) {
    const double ffn = moe != 0 ? (1.0 + config_.experts_per_token) * static_cast<double>(config_.ffn_expert)
                                : static_cast<double>(config_.ffn_dense);
    products += hidden * (2 * q_width + 2 * kv_width + 3 * ffn);
  }
  return products > 0 ? 2 * q_width * config_.layers / products : 0.0;
}

KvShape Decoder::kv_shape() const { return {config_.layers, config_.kv_heads, config_.head_dim}; }

Result<std::unique_ptr<Decoder>> Decoder::Create(const ModelConfig& config, const WeightLookup& lookup,
                                                 Backend& backend) {
  std::unique_ptr<Decoder> decoder(new Decoder(config, backend));
  const auto matrix = [&](const std::string& name, int64_t rows, int64_t cols) -> Result<WeightPtr> {
    GATEHOUSE_ASSIGN(WeightView view, lookup(name, {rows, cols}));
    return backend.LoadWeight(std::move(view));
  };
  const auto vector = [&](const std::string& name, int64_t size) -> Result<WeightPtr> {
    GATEHOUSE_ASSIGN(const WeightView view, lookup(name, {size}));
    return backend.LoadVector(view);
  };
  const int64_t hidden = config.hidden;
  const int64_t q_width = static_cast<int64_t>(config.heads) * config.head_dim;
  const int64_t kv_width = static_cast<int64_t>(config.kv_heads) * config.head_dim;
  const auto feed_forward = [&](const std::string& prefix, int64_t ffn, FeedForward* out) -> Result<void> {
    GATEHOUSE_ASSIGN(out->gate, matrix(prefix + "gate_proj.weight", ffn, hidden));
    GATEHOUSE_ASSIGN(out->up, matrix(prefix + "up_proj.weight", ffn, hidden));
    GATEHOUSE_ASSIGN(out->down, matrix(prefix + "down_proj.weight", hidden, ffn));
    return {};
  };

  GATEHOUSE_ASSIGN(decoder->embeddings_, matrix("model.embed_tokens.weight", config.vocab, hidden));
  const std::string mlp = config.family == ModelConfig::Family::kLlama4 ? "feed_forward." : "mlp.";
  for (int i = 0; i < config.layers; ++i) {
    const std::string prefix = "model.layers." + std::to_string(i) + ".";
    Layer layer;
    GATEHOUSE_ASSIGN(layer.attention_norm, vector(prefix + "input_layernorm.weight", hidden));
    GATEHOUSE_ASSIGN(layer.q, matrix(prefix + "self_attn.q_proj.weight", q_width, hidden));
    GATEHOUSE_ASSIGN(layer.k, matrix(prefix + "self_attn.k_proj.weight", kv_width, hidden));
    GATEHOUSE_ASSIGN(layer.v, matrix(prefix + "self_attn.v_proj.weight", kv_width, hidden));
    GATEHOUSE_ASSIGN(layer.o, matrix(prefix + "self_attn.o_proj.weight", hidden, q_width));
    GATEHOUSE_ASSIGN(layer.feed_forward_norm, vector(prefix + "post_attention_layernorm.weight", hidden));
    if (config.is_moe[static_cast<size_t>(i)] != 0) {
      GATEHOUSE_ASSIGN(layer.router, matrix(prefix + mlp + "router.weight", config.experts, hidden));
      GATEHOUSE_TRY(feed_forward(prefix + mlp + "shared_expert.", config.ffn_expert, &layer.dense));
      for (int e = 0; e < config.experts; ++e) {
        GATEHOUSE_TRY(feed_forward(prefix + mlp + "experts." + std::to_string(e) + ".", config.ffn_expert,
                                   &layer.experts.emplace_back()));
      }
    } else {
      GATEHOUSE_TRY(feed_forward(prefix + mlp, config.ffn_dense, &layer.dense));
    }
    decoder->layers_.push_back(std::move(layer));
  }
  GATEHOUSE_ASSIGN(decoder->final_norm_, vector("model.norm.weight", hidden));
  // A tied model has no head of its own: the lookup answers with the embeddings, or with their packed copy.
  GATEHOUSE_ASSIGN(decoder->head_, matrix("lm_head.weight", config.vocab, hidden));
  return decoder;
}

namespace {

// The distinct rows that are asked about; the questions then name them by their place there.
std::vector<int32_t> RowsOf(std::vector<LogitQuestion>* questions) {
  std::vector<int32_t> rows;
  for (LogitQuestion& question : *questions) {
    const auto found = std::find(rows.begin(), rows.end(), question.row);
    const auto place = static_cast<int32_t>(found - rows.begin());
    if (found == rows.end()) rows.push_back(question.row);
    question.row = place;
  }
  return rows;
}

}  // namespace

Result<std::vector<NextToken>> Decoder::Forward(const Batch& batch, KvCache& cache, const HiddenTap* tap,
                                                const BetweenLayers& between_layers) {
  const int64_t count = static_cast<int64_t>(batch.rows.size());
  const int64_t hidden = config_.hidden;
  AttentionLayout layout = MakeLayout(batch, config_.attention_chunk);

  std::vector<int32_t> ids, positions, image_rows, image_targets;
  work_->temperature.clear();
  for (size_t i = 0; i < batch.rows.size(); ++i) {
    const BatchRow& row = batch.rows[i];
    if (row.token < 0 || row.token >= config_.vocab) {
      return Error{ErrorCode::kInternal, "token id out of range", "batch",
                   "below " + std::to_string(config_.vocab), std::to_string(row.token)};
    }
    ids.push_back(row.token);
    positions.push_back(row.position);
    if (row.embedding >= 0) {
      image_rows.push_back(row.embedding);
      image_targets.push_back(static_cast<int32_t>(i));
    }
    // Attention without positions grows vague in long contexts; Llama 4 sharpens it by this factor.
    const float steps =
        std::floor((static_cast<float>(row.position) + 1.0f) / static_cast<float>(config_.floor_scale));
    work_->temperature.push_back(std::log1p(steps) * static_cast<float>(config_.attn_scale) + 1.0f);
  }

  work_->rows = work_->x.Get(count, hidden);
  backend_.Embed(*embeddings_, ids, work_->rows);
  if (!image_rows.empty()) {
    const Mat images = work_->normed.Get(static_cast<int64_t>(image_rows.size()), hidden);
    backend_.GatherRows(batch.embeddings, image_rows, images);
    backend_.ScatterRows(images, image_targets, work_->rows);
  }
  std::vector<float> cos, sin;
  RopeTables(positions, frequencies_, &cos, &sin);
  work_->cos_rows = work_->cos.Get(count, config_.head_dim / 2);
  work_->sin_rows = work_->sin.Get(count, config_.head_dim / 2);
  backend_.Upload(cos.data(), work_->cos_rows);
  backend_.Upload(sin.data(), work_->sin_rows);

  const auto show = [&](int index, Mat values) {
    if (tap == nullptr) return;
    std::vector<float> host(static_cast<size_t>(count * hidden));
    backend_.Download(values, host.data());
    (*tap)(index, host);
  };
  show(0, work_->rows);
  const bool all_rows = batch.all_rows || tap != nullptr;
  std::vector<LogitQuestion> questions = batch.questions;
  const std::vector<int32_t> read = RowsOf(&questions);
  for (size_t i = 0; i < layers_.size(); ++i) {
    const bool last = i + 1 == layers_.size();
    AttentionBlock(i, last && !all_rows ? &read : nullptr, &layout, cache);
    if (work_->rows.rows > 0) FeedForwardBlock(i);
    if (last) break;
    show(static_cast<int>(i) + 1, work_->rows);
    if (!between_layers) continue;
    std::swap(work_, other_work_);
    const bool goes_on = between_layers();
    std::swap(work_, other_work_);
    if (!goes_on) return Error{ErrorCode::kCancelled, "the pass was stopped", "engine", {}, {}};
  }
  const float eps = static_cast<float>(config_.norm_eps);
  if (tap != nullptr) {
    const Mat normed = work_->normed.Get(count, hidden);
    backend_.Compute(LinearInput::RmsNorm(work_->rows, final_norm_.get(), eps), normed);
    show(config_.layers, normed);
  }

  // The head is by far the largest product: only the rows that somebody reads. What is read of them is found
  // where they are: at Llama Guard 4's size a row is 800 kB.
  std::vector<NextToken> answers(questions.size());
  if (questions.empty()) return answers;
  if (all_rows) KeepRows(read, &layout);
  const Mat logits = work_->logits.Get(static_cast<int64_t>(read.size()), config_.vocab);
  backend_.Linear(LinearInput::RmsNorm(work_->rows, final_norm_.get(), eps),
                  {{head_.get(), nullptr, logits}});
  backend_.ReadLogits(logits, questions, answers);
  return answers;
}

// Goes on with these rows of the pass alone.
void Decoder::KeepRows(const std::vector<int32_t>& kept, AttentionLayout* layout) {
  const auto gather = [&](Mat* rows, Workspace* space) {
    const Mat out = space->Get(static_cast<int64_t>(kept.size()), rows->cols);
    backend_.GatherRows(*rows, kept, out);
    *rows = out;
  };
  gather(&work_->rows, &work_->read);
  gather(&work_->cos_rows, &work_->read_cos);
  gather(&work_->sin_rows, &work_->read_sin);
  std::vector<AttentionLayout::Row> rows;
  std::vector<float> temperature;
  for (const int32_t row : kept) {
    rows.push_back(layout->rows[static_cast<size_t>(row)]);
    temperature.push_back(work_->temperature[static_cast<size_t>(row)]);
  }
  layout->rows = std::move(rows);
  work_->temperature = std::move(temperature);
}

// Turns every head of queries or keys to the row's position.
void Decoder::TurnHeads(size_t index, Mat heads) {
  if (config_.uses_rope[index] == 0) return;
  // Llama 4 rotates pairs (2i, 2i+1); checkpoints of the llama family rotate halves.
  const bool interleaved = config_.family == ModelConfig::Family::kLlama4;
  backend_.Rope(heads, config_.head_dim, work_->cos_rows, work_->sin_rows, interleaved);
  if (config_.qk_norm) backend_.NormHeads(heads, config_.head_dim, static_cast<float>(config_.norm_eps));
}

void Decoder::AttentionBlock(size_t index, const std::vector<int32_t>* kept, AttentionLayout* layout,
                             KvCache& cache) {
  const Layer& layer = layers_[index];
  const int64_t count = work_->rows.rows;
  const auto normed = [&] {
    return LinearInput::RmsNorm(work_->rows, layer.attention_norm.get(),
                                static_cast<float>(config_.norm_eps));
  };
  const auto queries = [&] {
    return work_->q.Get(work_->rows.rows, static_cast<int64_t>(config_.heads) * config_.head_dim);
  };
  const Mat k = work_->k.Get(count, static_cast<int64_t>(config_.kv_heads) * config_.head_dim);
  const Mat v = work_->v.Get(count, k.cols);
  Mat q;
  if (kept == nullptr) {
    q = queries();
    backend_.Linear(normed(),
                    {{layer.q.get(), nullptr, q}, {layer.k.get(), nullptr, k}, {layer.v.get(), nullptr, v}});
  } else {
    backend_.Linear(normed(), {{layer.k.get(), nullptr, k}, {layer.v.get(), nullptr, v}});
  }
  TurnHeads(index, k);
  backend_.WriteKv(cache, static_cast<int>(index), *layout, k, v);
  if (kept != nullptr) {
    KeepRows(*kept, layout);
    if (kept->empty()) return;
    q = queries();
    backend_.Linear(normed(), {{layer.q.get(), nullptr, q}});
  }
  TurnHeads(index, q);
  if (config_.uses_rope[index] == 0 && config_.temperature_tuning) backend_.ScaleRows(q, work_->temperature);
  const Mat attended = work_->attended.Get(q.rows, q.cols);
  const float scale = 1.0f / std::sqrt(static_cast<float>(config_.head_dim));
  const bool chunked = config_.attention_chunk > 0 && config_.chunked[index] != 0;
  backend_.Attention(cache, static_cast<int>(index), *layout, q, scale, chunked, attended);
  backend_.Linear(attended, {{layer.o.get(), nullptr, work_->rows, /*adds=*/true}});
}

void Decoder::FeedForwardBlock(size_t index) {
  const Layer& layer = layers_[index];
  const int64_t count = work_->rows.rows;
  const float eps = static_cast<float>(config_.norm_eps);
  LinearInput input = LinearInput::RmsNorm(work_->rows, layer.feed_forward_norm.get(), eps);
  const bool has_experts = layer.router != nullptr;
  if (has_experts) {  // which read the normed rows, too
    const Mat normed = work_->normed.Get(count, config_.hidden);
    backend_.Compute(LinearInput::RmsNorm(work_->rows, layer.feed_forward_norm.get(), eps), normed);
    input = normed;
  }
  const Mat gate = work_->gate.Get(count, layer.dense.gate->rows);
  const Mat up = work_->up.Get(count, gate.cols);
  backend_.Linear(input, {{layer.dense.gate.get(), nullptr, gate}, {layer.dense.up.get(), nullptr, up}});
  backend_.Linear(LinearInput::SwiGlu(gate, up),
                  {{layer.dense.down.get(), nullptr, work_->rows, /*adds=*/true}});
  if (has_experts) Experts(layer, input.x, work_->rows);
}

// Each token goes to its best experts. The sigmoid of the router's logit scales the expert's input, not its
// output.
void Decoder::Experts(const Layer& layer, Mat normed, Mat out) {
  const size_t experts = layer.experts.size();
  const Mat router = work_->router.Get(normed.rows, static_cast<int64_t>(experts));
  backend_.Linear(normed, {{layer.router.get(), nullptr, router}});
  std::vector<float> logits(static_cast<size_t>(normed.rows) * experts);
  backend_.Download(router, logits.data());
  std::vector<std::vector<int32_t>> rows(experts);
  std::vector<std::vector<float>> scales(experts);
  for (int32_t row = 0; row < normed.rows; ++row) {
    float* scores = logits.data() + static_cast<size_t>(row) * experts;
    for (int pick = 0; pick < config_.experts_per_token; ++pick) {
      size_t best = 0;
      for (size_t e = 1; e < experts; ++e) best = scores[e] > scores[best] ? e : best;
      rows[best].push_back(row);
      scales[best].push_back(1.0f / (1.0f + std::exp(-scores[best])));
      scores[best] = -INFINITY;
    }
  }
  for (size_t e = 0; e < experts; ++e) {
    if (rows[e].empty()) continue;
    const FeedForward& expert = layer.experts[e];
    const int64_t count = static_cast<int64_t>(rows[e].size());
    const Mat input = work_->expert_in.Get(count, config_.hidden);
    backend_.GatherRows(normed, rows[e], input);
    backend_.ScaleRows(input, scales[e]);
    const Mat gate = work_->gate.Get(count, expert.gate->rows);
    const Mat up = work_->up.Get(count, gate.cols);
    backend_.Linear(input, {{expert.gate.get(), nullptr, gate}, {expert.up.get(), nullptr, up}});
    const Mat result = work_->expert_out.Get(count, config_.hidden);
    backend_.Linear(LinearInput::SwiGlu(gate, up), {{expert.down.get(), nullptr, result}});
    backend_.ScatterAddRows(result, rows[e], out);
  }
}

}  // namespace gatehouse

#include "model/decoder.h"

#include <algorithm>
#include <new>
#include <string>
#include <utility>

#include "base/error.h"
#include "model/rope.h"

namespace gatehouse {
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

Decoder::Decoder(const ModelConfig& config, Backend& backend)
    : config_(config), backend_(backend), rotary_(RopeFrequencies(config), backend) {
  for (auto& pass : passes_) pass = std::make_unique<DecoderPass>(config_, backend);
}
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

int64_t Decoder::PassBytes() const {
  const PassLimits most = backend_.Limits();
  int64_t bytes = 0;
  for (const auto& pass : passes_) bytes += pass->BytesFor(most.max_rows, most.max_read_rows);
  return bytes;
}

KvShape Decoder::kv_shape() const { return {config_.layers, config_.kv_heads, config_.head_dim}; }

Result<std::unique_ptr<Decoder>> Decoder::Create(const ModelConfig& config, const WeightLookup& lookup,
                                                 Backend& backend) {
  std::unique_ptr<Decoder> decoder(new Decoder(config, backend));
  const WeightLoader weights(decoder->config_, lookup, backend);
  GATEHOUSE_ASSIGN(decoder->embeddings_, weights.Load({Weight::kEmbedding}));
  for (int i = 0; i < config.layers; ++i) {
    Layer& layer = decoder->layers_.emplace_back();
    GATEHOUSE_ASSIGN(layer.emplace_back(), MakeAttention(config, i, weights));
    if (config.is_moe[static_cast<size_t>(i)] != 0) {
      GATEHOUSE_ASSIGN(layer.emplace_back(), MakeExperts(config, i, weights));
    } else {
      GATEHOUSE_ASSIGN(layer.emplace_back(), MakeFeedForward(config, i, weights));
    }
  }
  GATEHOUSE_ASSIGN(decoder->final_norm_, weights.Load({Weight::kFinalNorm}));
  // A tied model has no head of its own: the lookup answers with the embeddings, or with their packed copy.
  GATEHOUSE_ASSIGN(decoder->head_, weights.Load({Weight::kHead}));
  return decoder;
}

Result<std::vector<NextToken>> Decoder::Forward(const Batch& batch, KvCache& cache, const HiddenTap* tap,
                                                const BetweenLayers& between_layers) {
  if (open_ == passes_.size()) return InternalError("a pass within a pass within a pass", "decoder");
  // Given back whatever happens.
  const std::unique_ptr<size_t, void (*)(size_t*)> place(&open_, [](size_t* open) { --*open; });
  DecoderPass& pass = *passes_[open_++];
  try {
    PassScope scope(backend_);
    auto answers = Run(pass, batch, cache, tap, between_layers);
    GATEHOUSE_TRY(scope.End());
    return answers;
  } catch (const std::bad_alloc&) {
    return OutOfMemory("decoder");
  }
}

Result<std::vector<NextToken>> Decoder::Run(DecoderPass& pass, const Batch& batch, KvCache& cache,
                                            const HiddenTap* tap, const BetweenLayers& between_layers) {
  const bool all_rows = batch.all_rows || tap != nullptr;
  std::vector<LogitQuestion> questions = batch.questions;
  const std::vector<int32_t> read = RowsOf(&questions);
  GATEHOUSE_TRY(pass.Reserve(batch, read));
  GATEHOUSE_TRY(pass.Begin(batch, read, cache, rotary_, all_rows ? -1 : config_.layers - 1));
  pass.Embed(batch, *embeddings_);

  const auto show = [&](int index, Mat values) {
    if (tap == nullptr) return;
    std::vector<float> host(static_cast<size_t>(values.rows * values.cols));
    backend_.Download(values, host.data());
    (*tap)(index, host);
  };
  show(0, pass.rows);
  for (size_t i = 0; i < layers_.size(); ++i) {
    for (const auto& block : layers_[i]) {
      if (pass.rows.rows > 0) block->Run(pass);
    }
    if (i + 1 == layers_.size()) break;
    show(static_cast<int>(i) + 1, pass.rows);
    if (between_layers && !between_layers())
      return Error{ErrorCode::kCancelled, "the pass was stopped", "engine", {}, {}};
  }
  const float eps = static_cast<float>(config_.norm_eps);
  if (tap != nullptr) {
    const Mat normed = pass.normed.Get(pass.rows.rows, config_.hidden);
    backend_.Compute(LinearInput::RmsNorm(pass.rows, final_norm_.get(), eps), normed);
    show(config_.layers, normed);
  }

  // The head is by far the largest product: only the rows that somebody reads. What is read of them is found
  // where they are: at Llama Guard 4's size a row is 800 kB.
  std::vector<NextToken> answers(questions.size());
  if (questions.empty()) return answers;
  if (all_rows) pass.KeepReadRows();
  const Mat logits = pass.logits.Get(static_cast<int64_t>(read.size()), config_.vocab);
  backend_.Linear(LinearInput::RmsNorm(pass.rows, final_norm_.get(), eps), {{head_.get(), nullptr, logits}});
  backend_.ReadLogits(logits, questions, answers);
  return answers;
}

}  // namespace gatehouse

// The networks behind attention: one SwiGLU network for all rows, or that and experts for some.
#include "model/block.h"

namespace gatehouse {
namespace {

// One SwiGLU network: gate and up [ffn, hidden], down [hidden, ffn].
struct FeedForward {
  WeightPtr gate, up, down;

  Result<void> Load(int layer, int expert, const WeightLoader& weights) {
    GATEHOUSE_ASSIGN(gate, weights.Load({Weight::kGate, layer, expert}));
    GATEHOUSE_ASSIGN(up, weights.Load({Weight::kUp, layer, expert}));
    GATEHOUSE_ASSIGN(down, weights.Load({Weight::kDown, layer, expert}));
    return {};
  }
  // Adds what the network makes of the input to the pass's rows.
  void Run(const LinearInput& input, DecoderPass& pass) const {
    const Mat wide = pass.gate.Get(input.rows(), gate->rows), wide_up = pass.up.Get(input.rows(), up->rows);
    pass.backend().Linear(input, {{gate.get(), nullptr, wide}, {up.get(), nullptr, wide_up}});
    pass.backend().Linear(LinearInput::SwiGlu(wide, wide_up),
                          {{down.get(), nullptr, pass.rows, /*adds=*/true}});
  }
};

class FeedForwardBlock : public Block {
 public:
  FeedForwardBlock(const ModelConfig& config, WeightPtr norm, FeedForward network)
      : eps_(static_cast<float>(config.norm_eps)), norm_(std::move(norm)), network_(std::move(network)) {}
  void Run(DecoderPass& pass) const override {
    network_.Run(LinearInput::RmsNorm(pass.rows, norm_.get(), eps_), pass);
  }

 private:
  float eps_;
  WeightPtr norm_;  // [1, hidden]
  FeedForward network_;
};

// A network that all rows go through, and beside it the best few of many for each row.
class ExpertsBlock : public Block {
 public:
  explicit ExpertsBlock(const ModelConfig& config)
      : eps_(static_cast<float>(config.norm_eps)), per_token_(config.experts_per_token) {}

  Result<void> Load(const ModelConfig& config, int layer, const WeightLoader& weights) {
    GATEHOUSE_ASSIGN(norm_, weights.Load({Weight::kFeedForwardNorm, layer}));
    GATEHOUSE_ASSIGN(router_, weights.Load({Weight::kRouter, layer}));
    GATEHOUSE_TRY(shared_.Load(layer, kNoExpert, weights));
    experts_.resize(static_cast<size_t>(config.experts));
    for (int e = 0; e < config.experts; ++e) {
      FeedForward& expert = experts_[static_cast<size_t>(e)];
      GATEHOUSE_TRY(expert.Load(layer, e, weights));
      on_device_.push_back({expert.gate.get(), expert.up.get(), expert.down.get()});
    }
    return {};
  }

  void Run(DecoderPass& pass) const override {
    Backend& backend = pass.backend();
    // Router, shared network and experts all read the normed rows.
    const Mat normed = pass.normed.Get(pass.rows.rows, pass.rows.cols);
    backend.Compute(LinearInput::RmsNorm(pass.rows, norm_.get(), eps_), normed);
    shared_.Run(normed, pass);
    const Mat scores = pass.scores.Get(normed.rows, router_->rows);
    backend.Linear(normed, {{router_.get(), nullptr, scores}});
    backend.Experts(scores, per_token_, normed, on_device_, pass.rows);
  }

 private:
  float eps_;
  int per_token_;
  WeightPtr norm_;    // [1, hidden]
  WeightPtr router_;  // [experts, hidden]
  FeedForward shared_;
  std::vector<FeedForward> experts_;
  std::vector<ExpertWeights> on_device_;  // the same as the backend takes them
};

}  // namespace

Result<std::unique_ptr<Block>> MakeFeedForward(const ModelConfig& config, int layer,
                                               const WeightLoader& weights) {
  FeedForward network;
  GATEHOUSE_ASSIGN(WeightPtr norm, weights.Load({Weight::kFeedForwardNorm, layer}));
  GATEHOUSE_TRY(network.Load(layer, kNoExpert, weights));
  return std::unique_ptr<Block>(
      std::make_unique<FeedForwardBlock>(config, std::move(norm), std::move(network)));
}

Result<std::unique_ptr<Block>> MakeExperts(const ModelConfig& config, int layer,
                                           const WeightLoader& weights) {
  auto block = std::make_unique<ExpertsBlock>(config);
  GATEHOUSE_TRY(block->Load(config, layer, weights));
  return std::unique_ptr<Block>(std::move(block));
}

}  // namespace gatehouse

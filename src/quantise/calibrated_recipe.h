// CalibratedRecipe: rounding by what a model's products see when it reads real prompts. Inputs are smoothed
// (smoothing.h), weights rounded with error feedback (feedback.h), and the products that rounding hurts most
// keep a finer format.
//
//   CalibratedRecipe recipe({.prompts = prompts, .threads = 0});
//   Convert({.input = ..., .output = ..., .quant = QuantFormat::kQ4, .recipe = &recipe});
//
// Deterministic: the same model, prompts and instruction set give the same bytes, whatever the number of
// threads.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/thread_pool.h"
#include "checkpoint/recipe.h"
#include "quantise/feedback.h"
#include "quantise/prompt_pass.h"
#include "quantise/smoothing.h"

namespace gatehouse {

struct CalibrationOptions {
  std::vector<TokenIds> prompts = {};  // as the model will be asked; at least one, none empty
  int threads = 0;                     // 0: one for each core that this process may use
  int64_t memory = int64_t{4} << 30;   // bytes for second moments; what does not fit is another pass
  QuantFormat format = QuantFormat::kQ8;
  // Of the rounded weights, at most, that keep a finer format; none: FinerShare(format).
  std::optional<double> finer_share = {};
  // Called with the name of a step, and how much of it is done.
  std::function<void(const std::string& step, int64_t done, int64_t total)> progress = {};
};

// How many weights keep a finer format unless the caller says: what the aims for verdicts ask for
// (docs/decisions/0011-calibrated-rounding.md).
constexpr double FinerShare(QuantFormat format) { return format == QuantFormat::kQ8 ? 0.08 : 0.5; }

// What was done, for people.
struct CalibrationSummary {
  int64_t prompts = 0, rows = 0, passes = 0;
  int64_t smoothed = 0;                    // inputs
  std::vector<std::string> finer = {};     // weights
  int64_t finer_weights = 0, weights = 0;  // numbers
};

class CalibratedRecipe : public ConvertRecipe {
 public:
  explicit CalibratedRecipe(CalibrationOptions options);
  ~CalibratedRecipe() override;

  // Errors: kModel (the weights), kUsage (a budget too small for one product's moments, no prompts),
  // kInternal.
  Result<void> Begin(const Checkpoint& checkpoint) override;
  std::optional<QuantFormat> FormatOf(const std::string& name, QuantFormat usual) const override;
  bool Edits(const std::string& name) const override { return edits_.count(name) != 0; }
  WeightView Edit(const std::string& name, const WeightView& view) const override;
  Result<PanelRounder> RounderOf(const std::string& name, const WeightView& view,
                                 QuantFormat format) override;

  const CalibrationSummary& summary() const { return summary_; }

 private:
  struct Model;      // the network under observation
  struct Product;    // products that share an input
  struct Measured {  // what rounding does to a weight's product
    std::string name;
    int layer;
    double error;
    int64_t size;
  };
  Result<void> Smooth(const Checkpoint& checkpoint, MomentsMap samples);
  void SmoothProduct(const ModelConfig& config, const Product& product, RoundedProducts rounded);
  void ChooseFiner(int layers);
  Result<void> NextPass(const std::string& key);

  CalibrationOptions options_;
  CalibrationSummary summary_;
  ThreadPool pool_;
  std::unique_ptr<Model> model_;
  std::vector<Product> products_;                         // in the order of the forward pass
  std::map<std::string, std::string, std::less<>> keys_;  // of weights: their product's
  EditMap edits_;
  std::map<std::string, std::vector<float>, std::less<>> factors_;   // by key: what inputs are divided by
  std::map<std::string, std::vector<int64_t>, std::less<>> orders_;  // by key: of the channels
  std::vector<Measured> measured_;
  std::set<std::string, std::less<>> finer_;
  MomentsMap moments_;
  FeedbackFactor factor_;  // of factor_key_
  std::string factor_key_;
};

}  // namespace gatehouse

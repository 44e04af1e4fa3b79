#include "quantise/calibrated_recipe.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "backend/cpu_backend.h"
#include "base/error.h"
#include "base/log.h"
#include "checkpoint/convert.h"
#include "quantise/observer.h"

namespace gatehouse {
namespace {
double Env(const char* name, double usual) {
  const char* value = std::getenv(name);
  return value == nullptr ? usual : std::atof(value);
}
}  // namespace

struct CalibratedRecipe::Model {
  std::unique_ptr<Backend> backend;
  std::unique_ptr<Observer> observer;
  std::unique_ptr<Decoder> decoder;
};

struct CalibratedRecipe::Product {
  std::string key;
  std::vector<TensorSpec> weights;
};

CalibratedRecipe::CalibratedRecipe(CalibrationOptions options)
    : options_(std::move(options)),
      pool_(options_.threads > 0 ? options_.threads : ThreadPool::DefaultThreads()) {
  std::sort(options_.prompts.begin(), options_.prompts.end());
}
CalibratedRecipe::~CalibratedRecipe() = default;

Result<void> CalibratedRecipe::Begin(const Checkpoint& checkpoint) {
  const auto empty = [](const TokenIds& prompt) { return prompt.empty(); };
  if (options_.prompts.empty() || std::any_of(options_.prompts.begin(), options_.prompts.end(), empty))
    return UsageError("nothing to calibrate with", "prompts", "at least one, none of them empty", "none");
  for (TensorSpec& spec : ListTensors(checkpoint.config())) {
    if (!IsRounded(spec)) continue;
    summary_.weights += spec.shape[0] * spec.shape[1];
    const std::string key = MomentsKey(spec.name);
    if (products_.empty() || products_.back().key != key) products_.push_back({key, {}});
    products_.back().weights.push_back(std::move(spec));
  }
  for (const Product& product : products_) {
    const int64_t bytes = InputMoments::Bytes(product.weights[0].shape[1]);
    if (bytes > options_.memory) {
      return UsageError("too little memory for calibration", "--calibrate-memory",
                        "at least " + std::to_string(bytes) + " bytes for " + product.key,
                        std::to_string(options_.memory));
    }
  }
  summary_.prompts = static_cast<int64_t>(options_.prompts.size());
  summary_.rows = PassRows(options_.prompts);
  model_ = std::make_unique<Model>();
  GATEHOUSE_ASSIGN(model_->backend, CreateCpuBackend({.threads = options_.threads}));
  model_->observer = std::make_unique<Observer>(*model_->backend, summary_.rows);
  GATEHOUSE_ASSIGN(model_->decoder,
                   Decoder::Create(checkpoint.config(), model_->observer->Named(checkpoint.lookup()),
                                   *model_->observer));
  std::vector<std::string> keys;
  for (const Product& product : products_) keys.push_back(product.key);
  model_->observer->Watch(keys, Observer::What::kSample);
  GATEHOUSE_TRY(RunPrompts(options_.prompts, {}, *model_->decoder, *model_->observer, [&](int64_t done) {
    if (options_.progress) options_.progress("sample", done, summary_.rows);
  }));
  ++summary_.passes;
  return Smooth(checkpoint, model_->observer->Take());
}

// Looks at each input of the network in turn: what divides it, and what rounding then does to its products.
Result<void> CalibratedRecipe::Smooth(const Checkpoint& checkpoint, MomentsMap samples) {
  const ModelConfig& config = checkpoint.config();
  int64_t done = 0;
  for (const Product& product : products_) {
    if (options_.progress) options_.progress("smooth", ++done, static_cast<int64_t>(products_.size()));
    RoundedProducts rounded;
    rounded.inputs = &samples[product.key];
    for (const TensorSpec& spec : product.weights) {
      GATEHOUSE_ASSIGN(WeightView view, checkpoint.Get(spec.name, spec.shape));
      rounded.weights.push_back({std::move(view), options_.format});
    }
    const std::string layer = product.key.substr(0, product.key.find('.', std::string("model.layers.").size()) + 1);
    const int index = std::atoi(product.key.c_str() + std::string("model.layers.").size());
    const bool experts = config.is_moe[static_cast<size_t>(index)] != 0;
    const auto ends = [&](const char* tail) {
      const std::string t = tail;
      return product.key.size() > t.size() && product.key.compare(product.key.size() - t.size(), t.size(), t) == 0;
    };
    std::vector<int64_t> shared;
    const bool attention = ends("self_attn.q_proj.weight"), o = ends("self_attn.o_proj.weight");
    const bool gate = ends("gate_proj.weight"), down = ends("down_proj.weight");
    if (o) {
      const int64_t per = config.heads / config.kv_heads;
      for (int64_t k = 0; k < rounded.inputs->cols; ++k)
        shared.push_back(k / config.head_dim / per * config.head_dim + k % config.head_dim);
    }
    SmoothingChoice choice;
    if (rounded.inputs->sample_rows > 0 && !(gate && experts) && Env("GH_SMOOTH", 1) > 0) {
      choice = ChooseSmoothing(rounded, shared, pool_);
    }
    if (LogEnabled(LogLevel::kInfo)) {
      RoundedProducts only_inputs = rounded;
      for (auto& weight : only_inputs.weights) weight.format = std::nullopt;
      Log(LogLevel::kInfo, product.key + " plain " + std::to_string(choice.error_before) + " smoothed " +
                               std::to_string(choice.error_after) + " inputs only " +
                               std::to_string(RoundingError(only_inputs, {}, true, pool_)) + " -> " +
                               std::to_string(RoundingError(only_inputs, choice.factors, true, pool_)));
    }
    if (choice.factors.empty()) continue;
    ++summary_.smoothed;
    const std::vector<float>& factors = choice.factors;
    std::vector<float> inverse(factors.size());
    for (size_t k = 0; k < factors.size(); ++k) inverse[k] = 1.0f / factors[k];
    for (const TensorSpec& spec : product.weights) edits_[spec.name].columns = factors;
    if (attention) edits_[layer + "input_layernorm.weight"].columns = inverse;
    if (gate) edits_[layer + "post_attention_layernorm.weight"].columns = inverse;
    if (down) {
      std::string up = product.key;
      up.replace(up.rfind("down_proj"), 9, "up_proj");
      edits_[up].rows = inverse;
    }
    if (o) {
      std::vector<float> rows(static_cast<size_t>(config.kv_heads * config.head_dim), 1.0f);
      for (size_t k = 0; k < shared.size(); ++k) rows[static_cast<size_t>(shared[k])] = inverse[k];
      edits_[layer + "self_attn.v_proj.weight"].rows = rows;
    }
    factors_[product.key] = factors;
  }
  return {};
}

std::optional<QuantFormat> CalibratedRecipe::FormatOf(const std::string& name, QuantFormat usual) const {
  if (finer_.count(name) == 0) return usual;
  return usual == QuantFormat::kQ4 ? std::optional(QuantFormat::kQ8) : std::nullopt;
}

WeightView CalibratedRecipe::Edit(const std::string& name, const WeightView& view) const {
  return EditedView(view, edits_.find(name)->second);
}

// Moments of this product's inputs and of as many after it as the budget holds.
Result<void> CalibratedRecipe::NextPass(const std::string& key) {
  moments_.clear();
  auto product = products_.begin();
  while (product != products_.end() && product->key != key) ++product;
  std::vector<std::string> keys;
  int64_t bytes = 0;
  for (; product != products_.end(); ++product) {
    bytes += InputMoments::Bytes(product->weights[0].shape[1]);
    if (bytes > options_.memory) break;
    keys.push_back(product->key);
  }
  model_->observer->Watch(keys, Observer::What::kMoments);
  const PassWeights weights{static_cast<float>(Env("GH_SHARED", 1)), static_cast<float>(Env("GH_LAST", 8))};
  ++summary_.passes;
  GATEHOUSE_TRY(RunPrompts(options_.prompts, weights, *model_->decoder, *model_->observer, [&](int64_t done) {
    if (options_.progress) options_.progress("pass " + std::to_string(summary_.passes), done, summary_.rows);
  }));
  moments_ = model_->observer->Take();
  return {};
}

Result<PanelRounder> CalibratedRecipe::RounderOf(const std::string& name, const WeightView& view,
                                                 QuantFormat format) {
  const std::string key = MomentsKey(name);
  if (factor_key_ != key) {
    if (moments_.count(key) == 0) GATEHOUSE_TRY(NextPass(key));
    InputMoments moments = std::move(moments_[key]);
    moments_.erase(key);
    if (moments.cols == 0) {  // an expert that no token came to
      moments.cols = view.cols;
      moments.second.assign(static_cast<size_t>(view.cols * view.cols), 0.0f);
    }
    std::vector<float> scale;
    if (const auto factors = factors_.find(key); factors != factors_.end()) {
      for (const float factor : factors->second) scale.push_back(1.0f / factor);
    }
    GATEHOUSE_ASSIGN(factor_,
                     FactorMoments(moments.second, view.cols, scale, Env("GH_DAMP", 0.003), key));
    factor_key_ = key;
  }
  return PanelRounder([this, format](const float* w, int rows, uint8_t* values, float* scales) {
    RoundPanelWithFeedback(format, w, rows, factor_, values, scales);
  });
}

}  // namespace gatehouse

#include "quantise/calibrated_recipe.h"

#include <algorithm>
#include <utility>

#include "backend/create.h"
#include "base/error.h"
#include "base/log.h"
#include "checkpoint/convert.h"
#include "quantise/observer.h"

namespace gatehouse {
namespace {
// Of the second moments' mean diagonal: steadies the factors where few prompts say little.
constexpr double kDamping = 0.003;

// Prefixes count once for each prompt that shares them; the row that a verdict is read from, as eight.
constexpr PassWeights kWeights = {.shared = 1.0f, .last = 8.0f};

}  // namespace

struct CalibratedRecipe::Model {
  std::unique_ptr<Backend> backend;
  std::unique_ptr<Observer> observer;
  std::unique_ptr<Decoder> decoder;
};

struct CalibratedRecipe::Product {
  TensorId id;      // of the first of its weights, by which the input is known
  std::string key;  // its name
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
    if (!spec.may_round) continue;
    summary_.weights += spec.shape[0] * spec.shape[1];
    // In the list they follow one another.
    if (products_.empty() || products_.back().id != spec.input)
      products_.push_back({spec.input, SpecOf(checkpoint.config(), spec.input).name, {}});
    keys_[spec.name] = products_.back().key;
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
  GATEHOUSE_ASSIGN(model_->backend, CreateBackend({.threads = options_.threads}));
  model_->observer = std::make_unique<Observer>(*model_->backend, summary_.rows);
  GATEHOUSE_ASSIGN(
      model_->decoder,
      Decoder::Create(checkpoint.config(), model_->observer->Named(checkpoint.lookup()), *model_->observer));
  std::vector<std::string> keys;
  for (const Product& product : products_) keys.push_back(product.key);
  model_->observer->Watch(keys, Observer::What::kSample);
  GATEHOUSE_TRY(RunPrompts(options_.prompts, {}, *model_->decoder, *model_->observer, [&](int64_t done) {
    if (options_.progress) options_.progress("sample", done, summary_.rows);
  }));
  ++summary_.passes;
  return Smooth(checkpoint, model_->observer->Take());
}

// Looks at each input of the network, one after the other: what divides it, and what rounding then does to
// its products.
Result<void> CalibratedRecipe::Smooth(const Checkpoint& checkpoint, MomentsMap samples) {
  int64_t done = 0;
  for (const Product& product : products_) {
    if (options_.progress) options_.progress("smooth", ++done, static_cast<int64_t>(products_.size()));
    RoundedProducts rounded;
    rounded.inputs = &samples[product.key];
    if (rounded.inputs->sample_rows == 0) continue;  // an expert that no token came to
    for (const TensorSpec& spec : product.weights) {
      GATEHOUSE_ASSIGN(WeightView view, checkpoint.Get(spec.name, spec.shape));
      rounded.weights.push_back({std::move(view), options_.format});
    }
    SmoothProduct(checkpoint.config(), product, std::move(rounded));
  }
  ChooseFiner(checkpoint.config().layers);
  return {};
}

void CalibratedRecipe::SmoothProduct(const ModelConfig& config, const Product& product,
                                     RoundedProducts rounded) {
  const std::string& key = product.key;
  const auto [which, layer, expert, bias] = product.id;
  const bool has_experts = config.is_moe[static_cast<size_t>(layer)] != 0;
  // What makes this product's inputs, and is edited so that the network stays what it is.
  const auto maker = [&, layer = layer, expert = expert](Weight of) -> WeightEdit& {
    return edits_[SpecOf(config, {of, layer, expert}).name];
  };
  std::vector<int64_t> shared;  // heads of queries that share a head of values share its factors
  if (which == Weight::kAttentionOutput) {
    const int64_t per = config.heads / config.kv_heads;
    for (int64_t k = 0; k < rounded.inputs->cols; ++k)
      shared.push_back(k / config.head_dim / per * config.head_dim + k % config.head_dim);
  }
  InputMoments ordered;
  if (which == Weight::kDown) {
    const std::vector<int64_t> order = ChannelsBySize(*rounded.inputs);
    ordered = Reordered(*rounded.inputs, order);
    rounded.inputs = &ordered;
    for (auto& weight : rounded.weights) weight.view = EditedView(weight.view, {{}, {}, {}, order});
    for (const Weight of : {Weight::kGate, Weight::kUp}) maker(of).row_order = order;
    edits_[key].column_order = order;
    orders_[key] = order;
  }
  // The router, which keeps its precision, and every expert share a norm: it stays.
  const SmoothingChoice choice =
      which == Weight::kGate && has_experts ? SmoothingChoice{} : ChooseSmoothing(rounded, shared, pool_);
  const std::vector<float>& factors = choice.factors;
  for (size_t i = 0; i < rounded.weights.size(); ++i) {
    const RoundedProducts one{rounded.inputs, {rounded.weights[i]}};
    const TensorSpec& spec = product.weights[i];
    measured_.push_back(
        {spec.name, layer, RoundingError(one, factors, true, pool_), spec.shape[0] * spec.shape[1]});
    if (LogEnabled(LogLevel::kInfo)) {
      RoundedProducts inputs = one;
      inputs.weights[0].format = std::nullopt;
      Log(LogLevel::kInfo, spec.name + ": error " + std::to_string(RoundingError(one, {}, true, pool_)) +
                               ", smoothed " + std::to_string(measured_.back().error) +
                               "; of the inputs alone " +
                               std::to_string(RoundingError(inputs, {}, true, pool_)) + ", smoothed " +
                               std::to_string(RoundingError(inputs, factors, true, pool_)));
    }
  }
  if (factors.empty()) return;
  ++summary_.smoothed;
  std::vector<float> inverse(factors.size());
  for (size_t k = 0; k < factors.size(); ++k) inverse[k] = 1.0f / factors[k];
  for (const TensorSpec& spec : product.weights) edits_[spec.name].columns = factors;
  if (which == Weight::kQuery) maker(Weight::kAttentionNorm).columns = inverse;
  if (which == Weight::kGate) maker(Weight::kFeedForwardNorm).columns = inverse;
  if (which == Weight::kDown) maker(Weight::kUp).rows = inverse;
  if (which == Weight::kAttentionOutput) {
    std::vector<float>& rows = maker(Weight::kValue).rows;
    rows.assign(static_cast<size_t>(config.kv_heads) * static_cast<size_t>(config.head_dim), 1.0f);
    for (size_t k = 0; k < shared.size(); ++k) rows[static_cast<size_t>(shared[k])] = inverse[k];
  }
  factors_[key] = factors;
}

// Weights keep a finer format that lose most by rounding for their size. In q4 an error counts once for each
// layer that it runs through, and those of the first eighth of the layers come first, on whose small hidden
// states the rest is built: nearly half of the variance of q4's scores is theirs. In q8, where the rounding
// of inputs is most of the error, neither helped.
void CalibratedRecipe::ChooseFiner(int layers) {
  const bool by_layer = options_.format == QuantFormat::kQ4;
  const auto is_first = [&](const Measured& one) { return by_layer && one.layer * 8 < layers; };
  const auto loss = [&](const Measured& one) {
    return one.error / static_cast<double>(one.size) * (by_layer ? layers - one.layer : 1);
  };
  std::stable_sort(measured_.begin(), measured_.end(), [&](const Measured& a, const Measured& b) {
    return is_first(a) != is_first(b) ? is_first(a) : loss(a) > loss(b);
  });
  const double share = options_.finer_share.value_or(FinerShare(options_.format));
  const double most = share * static_cast<double>(summary_.weights);
  for (const Measured& one : measured_) {
    if (static_cast<double>(summary_.finer_weights + one.size) > most) continue;
    finer_.insert(one.name);
    summary_.finer.push_back(one.name);
    summary_.finer_weights += one.size;
  }
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
  ++summary_.passes;
  GATEHOUSE_TRY(
      RunPrompts(options_.prompts, kWeights, *model_->decoder, *model_->observer, [&](int64_t done) {
        if (options_.progress)
          options_.progress("pass " + std::to_string(summary_.passes), done, summary_.rows);
      }));
  moments_ = model_->observer->Take();
  return {};
}

Result<PanelRounder> CalibratedRecipe::RounderOf(const std::string& name, const WeightView& view,
                                                 QuantFormat format) {
  const std::string& key = keys_.find(name)->second;  // asked for rounded weights alone
  if (factor_key_ != key) {
    factor_ = {};  // two at once would be half a gigabyte for the largest products
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
    const auto order = orders_.find(key);
    GATEHOUSE_ASSIGN(factor_, FactorMoments(moments.second, view.cols,
                                            order == orders_.end() ? std::vector<int64_t>{} : order->second,
                                            scale, kDamping, /*transformed=*/true, key));
    factor_key_ = key;
  }
  return PanelRounder([this, format](const float* w, int rows, uint8_t* values, float* scales) {
    RoundPanelWithFeedback(format, w, rows, factor_, values, scales);
  });
}

}  // namespace gatehouse

#include "train/train_models.h"

#include <cmath>
#include <random>
#include <stdexcept>

#include "formats/tensor_source.h"
#include "reference/reference_model.h"

namespace gatehouse::test {
namespace {

using nlohmann::ordered_json;

template <typename T>
T Take(Result<T> result) {
  if (!result.ok()) throw std::runtime_error(result.error().Message());
  return std::move(result).value();
}
void Check(const Result<void>& result) {
  if (!result.ok()) throw std::runtime_error(result.error().Message());
}

double CrossEntropy(const std::vector<double>& logits, int32_t token) {
  double largest = logits[0];
  for (const double value : logits) largest = std::max(largest, value);
  double sum = 0;
  for (const double value : logits) sum += std::exp(value - largest);
  return largest + std::log(sum) - logits[static_cast<size_t>(token)];
}

}  // namespace

ordered_json TrainLlama(bool tied) {
  return {{"architectures", {"LlamaForCausalLM"}},
          {"model_type", "llama"},
          {"hidden_size", 40},
          {"num_hidden_layers", 3},
          {"num_attention_heads", 4},
          {"num_key_value_heads", 2},
          {"head_dim", 12},
          {"intermediate_size", 72},
          {"vocab_size", 61},
          {"tie_word_embeddings", tied},
          {"rms_norm_eps", 1e-5},
          {"rope_theta", 10000.0},
          {"rope_scaling",
           {{"rope_type", "llama3"},
            {"factor", 8.0},
            {"low_freq_factor", 1.0},
            {"high_freq_factor", 4.0},
            {"original_max_position_embeddings", 16}}},
          {"bos_token_id", 1},
          {"eos_token_id", 2},
          {"max_position_embeddings", 512}};
}

ordered_json TrainLlama4() {
  ordered_json config = {
      {"architectures", {"Llama4ForCausalLM"}}, {"model_type", "llama4"}, {"image_token_index", 40}};
  config["text_config"] = {{"model_type", "llama4_text"},
                           {"hidden_size", 40},
                           {"num_hidden_layers", 3},
                           {"num_attention_heads", 4},
                           {"num_key_value_heads", 2},
                           {"head_dim", 8},
                           {"intermediate_size", 36},
                           {"intermediate_size_mlp", 36},
                           {"vocab_size", 50},
                           {"tie_word_embeddings", false},
                           {"rms_norm_eps", 1e-5},
                           {"rope_theta", 500000.0},
                           {"rope_scaling", nullptr},
                           {"attention_chunk_size", 8},
                           {"no_rope_layers", {1, 0, 1}},
                           {"use_qk_norm", true},
                           {"attn_temperature_tuning", true},
                           {"floor_scale", 4.0},
                           {"attn_scale", 0.3},
                           {"interleave_moe_layer_step", 0},
                           {"moe_layers", ordered_json::array()},
                           {"num_local_experts", 0},
                           {"num_experts_per_tok", 1},
                           {"max_position_embeddings", 512},
                           {"bos_token_id", 1},
                           {"eos_token_id", {2, 3}}};
  config["vision_config"] = {
      {"hidden_size", 24},         {"num_hidden_layers", 1},     {"num_attention_heads", 2},
      {"intermediate_size", 96},   {"num_channels", 3},          {"image_size", 28},
      {"patch_size", 7},           {"pixel_shuffle_ratio", 0.5}, {"vision_output_dim", 30},
      {"projector_input_dim", 30}, {"projector_output_dim", 30}};
  return config;
}

std::vector<float> RandomValues(size_t count, double size, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<double> normal(0, size);
  std::vector<float> out(count);
  for (float& value : out) value = static_cast<float>(normal(random));
  return out;
}

std::vector<int32_t> RandomIds(size_t count, int32_t vocab, unsigned seed) {
  std::mt19937 random(seed);
  std::vector<int32_t> out(count);
  for (int32_t& id : out) id = static_cast<int32_t>(random() % static_cast<uint32_t>(vocab));
  return out;
}

std::vector<train::TrainText> RandomTexts(const std::vector<size_t>& lengths, int32_t vocab, unsigned seed) {
  std::vector<train::TrainText> out;
  for (const size_t length : lengths) {
    train::TrainText text;
    text.ids = RandomIds(length, vocab, ++seed);
    const std::vector<int32_t> wanted = RandomIds(2, vocab, ++seed);
    text.targets.push_back({static_cast<int32_t>(length) - 1, wanted[0], 1.0f});
    text.targets.push_back({static_cast<int32_t>(length / 2), wanted[1], 0.25f});
    out.push_back(std::move(text));
  }
  return out;
}

Trainer MakeTrainer(const std::string& directory, const train::LoraOptions& options,
                    const train::CpuOptions& cpu) {
  Trainer out;
  out.checkpoint = Take(Checkpoint::Open(directory));
  out.ops = Take(train::CreateCpuOperations(cpu));
  const ModelConfig& config = out.checkpoint->config();
  out.lora = std::make_unique<train::LoraSet>(Take(train::LoraSet::Create(config, options, *out.ops)));
  unsigned seed = 100;
  for (const train::TrainedTensor& tensor : out.lora->tensors()) {
    const Mat& value = tensor.value;
    out.ops->Upload(RandomValues(static_cast<size_t>(value.rows * value.cols), 0.2, ++seed), value);
  }
  out.network = Take(train::Network::Create(config, out.checkpoint->lookup(), *out.lora, *out.ops));
  return out;
}

Trainer MakeFullTrainer(const std::string& directory, const train::FullOptions& options,
                        const train::CpuOptions& cpu, bool again) {
  Trainer out;
  out.checkpoint = Take(Checkpoint::Open(directory));
  out.ops = Take(train::CreateCpuOperations(cpu));
  const ModelConfig& config = out.checkpoint->config();
  out.full = std::make_unique<train::FullSet>(
      Take(train::FullSet::Create(config, options, out.checkpoint->lookup(), *out.ops)));
  out.network = Take(train::Network::Create(config, out.checkpoint->lookup(), *out.full, *out.ops, again));
  return out;
}

std::vector<float> ValuesOf(train::Operations& ops, const Mat& matrix) {
  std::vector<float> out(static_cast<size_t>(matrix.rows * matrix.cols));
  ops.Download(matrix, out);
  Check(ops.Finish());
  return out;
}

std::vector<std::vector<float>> Trainer::GradientsOf(const train::TrainBatch& batch, double* loss) {
  weights().ZeroGradients(*ops);
  const double found = Take(network->Gradients(batch));
  if (loss != nullptr) *loss = found;
  std::vector<std::vector<float>> out;
  for (const train::TrainedTensor& tensor : weights().tensors())
    out.push_back(ValuesOf(*ops, tensor.gradient));
  return out;
}

ReferenceLoss::ReferenceLoss(const std::string& directory, const Trainer& trainer,
                             std::vector<int32_t> prefix, std::vector<train::TrainText> texts)
    : config_(trainer.checkpoint->config()), prefix_(std::move(prefix)), texts_(std::move(texts)) {
  if (trainer.lora != nullptr) {
    rank_ = trainer.lora->options().rank;
    scale_ = trainer.lora->options().alpha / static_cast<double>(rank_);
  }
  const TensorSource source = Take(TensorSource::Open(directory));
  for (const auto& [name, view] : source.tensors()) {
    std::vector<float>& values = base_[name];
    values.resize(static_cast<size_t>(view.elements()));
    ToFloat(view, 0, view.elements(), values.data());
  }
  merged_ = base_;
  const std::string prefix_of_names = config_.family == ModelConfig::Family::kLlama4 ? "language_model." : "";
  for (const train::TrainedTensor& tensor : trainer.weights().tensors()) {
    const bool whole = trainer.lora == nullptr;
    const std::string module = tensor.name.substr(0, tensor.name.find(".lora_"));
    const std::vector<float> values = ValuesOf(*trainer.ops, tensor.value);
    matrices_.push_back(
        {prefix_of_names + module + (whole ? "" : ".weight"), whole, {values.begin(), values.end()}});
  }
  for (const Matrix& matrix : matrices_) Merge(matrix.weight);
}

// W + scale B A, in double; the reference takes the sum rounded to float32, which is some 1e-8 of a weight:
// far below what a step of a difference moves it by.
void ReferenceLoss::Merge(const std::string& weight) {
  size_t at = 0;
  while (matrices_.at(at).weight != weight) ++at;
  if (matrices_[at].whole) {
    merged_.at(weight).assign(matrices_[at].values.begin(), matrices_[at].values.end());
    return;
  }
  const std::vector<double>&a = matrices_[at].values, &b = matrices_[at + 1].values;
  const std::vector<float>& base = base_.at(weight);
  std::vector<float>& out = merged_.at(weight);
  const size_t rank = static_cast<size_t>(rank_), cols = a.size() / rank, rows = b.size() / rank;
  if (base.size() != rows * cols) throw std::runtime_error("another shape: " + weight);
  for (size_t row = 0; row < rows; ++row) {
    for (size_t col = 0; col < cols; ++col) {
      double sum = 0;
      for (size_t r = 0; r < rank; ++r) sum += b[row * rank + r] * a[r * cols + col];
      out[row * cols + col] = static_cast<float>(static_cast<double>(base[row * cols + col]) + scale_ * sum);
    }
  }
}

double ReferenceLoss::Loss() const {
  const ReferenceModel model(config_, [this](const std::string& name) { return merged_.at(name); });
  double sum = 0;
  for (const train::TrainText& text : texts_) {
    std::vector<int32_t> ids = prefix_;
    ids.insert(ids.end(), text.ids.begin(), text.ids.end());
    const ReferenceModel::Trace trace = model.Run(ids);
    for (const train::TrainText::Target& target : text.targets) {
      const size_t row = prefix_.size() + static_cast<size_t>(target.at);
      sum += static_cast<double>(target.weight) *
             CrossEntropy(model.Logits(trace.hidden.back()[row]), target.token);
    }
  }
  return sum / static_cast<double>(texts_.size());
}

double ReferenceLoss::Slope(size_t tensor, const std::vector<double>& direction) {
  constexpr double kStep = 2e-3;  // of a matrix whose values are of the order of 0.2
  double squares = 0;
  for (const double value : direction) squares += value * value;
  const double length = std::sqrt(squares);
  if (length == 0) return 0;
  const std::vector<double> before = matrices_.at(tensor).values;
  double losses[2];
  for (const int side : {0, 1}) {
    const double step = (side == 0 ? -kStep : kStep) / length;
    for (size_t i = 0; i < before.size(); ++i)
      matrices_[tensor].values[i] = before[i] + step * direction.at(i);
    Merge(matrices_[tensor].weight);
    losses[side] = Loss();
  }
  matrices_[tensor].values = before;
  Merge(matrices_[tensor].weight);
  return (losses[1] - losses[0]) / (2 * kStep) * length;
}

}  // namespace gatehouse::test

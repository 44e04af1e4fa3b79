#include "reference/reference_model.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <utility>

namespace gatehouse::test {
namespace {

using Row = ReferenceModel::Row;
using Rows = ReferenceModel::Rows;

// ---- Pieces that text and vision share
// -----------------------------------------------------------------------------

double Dot(const double* left, const float* right, int count) {
  double sum = 0;
  for (int i = 0; i < count; ++i) sum += left[i] * static_cast<double>(right[i]);
  return sum;
}

// output[n] = sum over k of weight[n][k] * input[k], plus bias[n] where there is one. weight is [outputs,
// inputs].
Rows Linear(const Rows& inputs, const std::vector<float>& weight, const std::vector<float>& bias = {}) {
  const int input_size = static_cast<int>(inputs[0].size());
  const int output_size = static_cast<int>(weight.size()) / input_size;
  Rows outputs(inputs.size(), Row(output_size));
  for (size_t row = 0; row < inputs.size(); ++row) {
    for (int n = 0; n < output_size; ++n) {
      outputs[row][n] =
          Dot(inputs[row].data(), weight.data() + static_cast<int64_t>(n) * input_size, input_size);
      if (!bias.empty()) outputs[row][n] += static_cast<double>(bias[n]);
    }
  }
  return outputs;
}

void AddTo(Rows& target, const Rows& source) {
  for (size_t row = 0; row < target.size(); ++row) {
    for (size_t i = 0; i < target[row].size(); ++i) target[row][i] += source[row][i];
  }
}

// x / sqrt(mean(x^2) + eps), over `count` values in place.
void NormaliseRms(double* values, int count, double eps) {
  double squares = 0;
  for (int i = 0; i < count; ++i) squares += values[i] * values[i];
  const double scale = 1.0 / std::sqrt(squares / count + eps);
  for (int i = 0; i < count; ++i) values[i] *= scale;
}

Rows RmsNorm(Rows rows, const std::vector<float>& weight, double eps) {
  for (Row& row : rows) {
    NormaliseRms(row.data(), static_cast<int>(row.size()), eps);
    for (size_t i = 0; i < row.size(); ++i) row[i] *= static_cast<double>(weight[i]);
  }
  return rows;
}

Rows LayerNorm(Rows rows, const std::vector<float>& weight, const std::vector<float>& bias, double eps) {
  for (Row& row : rows) {
    const double count = static_cast<double>(row.size());
    double mean = 0;
    for (double value : row) mean += value / count;
    double variance = 0;
    for (double value : row) variance += (value - mean) * (value - mean) / count;
    const double scale = 1.0 / std::sqrt(variance + eps);
    for (size_t i = 0; i < row.size(); ++i) {
      row[i] = (row[i] - mean) * scale * static_cast<double>(weight[i]) + static_cast<double>(bias[i]);
    }
  }
  return rows;
}

void Softmax(Row& scores) {
  const double largest = *std::max_element(scores.begin(), scores.end());
  double sum = 0;
  for (double& score : scores) sum += (score = std::exp(score - largest));
  for (double& score : scores) score /= sum;
}

double Sigmoid(double x) { return 1.0 / (1.0 + std::exp(-x)); }
double Silu(double x) { return x * Sigmoid(x); }
double Gelu(double x) { return 0.5 * x * (1.0 + std::erf(x / std::numbers::sqrt2)); }  // the exact form

void Rotate(double& first, double& second, double angle) {
  const double a = first;
  const double b = second;
  first = a * std::cos(angle) - b * std::sin(angle);
  second = a * std::sin(angle) + b * std::cos(angle);
}

// What one query head sees: softmax(q . k / sqrt(d)) over the visible rows, then that mean of v.
// queries, keys, values: [tokens][heads * head_dim]; output: head_dim values.
void AttendOne(const Row& query, const Rows& keys, const Rows& values, const std::vector<int>& visible,
               int query_at, int key_at, int head_dim, double* output) {
  Row scores;
  for (int j : visible) {
    double score = 0;
    for (int d = 0; d < head_dim; ++d) score += query[query_at + d] * keys[j][key_at + d];
    scores.push_back(score / std::sqrt(static_cast<double>(head_dim)));
  }
  Softmax(scores);
  for (size_t at = 0; at < visible.size(); ++at) {
    for (int d = 0; d < head_dim; ++d) output[d] += scores[at] * values[visible[at]][key_at + d];
  }
}

// ---- Rotary positions
// ------------------------------------------------------------------------------------------------

// The angle by which pair `pair` of a head turns from one position to the next.
double RopeFrequency(const ModelConfig& config, int pair) {
  double frequency = std::pow(config.rope_theta, -2.0 * pair / config.head_dim);
  if (!config.rope_divisors.empty()) return frequency / static_cast<double>(config.rope_divisors[pair]);
  const RopeScaling& rope = config.rope;
  if (rope.kind == RopeScaling::Kind::kLinear) return frequency / rope.factor;
  if (rope.kind == RopeScaling::Kind::kNone) return frequency;

  // Llama 3: short waves stay, long waves are stretched by the factor, those between are blended.
  const double original = static_cast<double>(rope.original_max_position);
  const double wavelength = 2.0 * std::numbers::pi / frequency;
  if (wavelength < original / rope.high_freq_factor) return frequency;
  if (wavelength > original / rope.low_freq_factor) return frequency / rope.factor;
  // With low = high (Scout) the band between is this one wavelength, and the blend would divide by zero.
  if (rope.high_freq_factor == rope.low_freq_factor) return frequency;
  const double blend =
      (original / wavelength - rope.low_freq_factor) / (rope.high_freq_factor - rope.low_freq_factor);
  return (1.0 - blend) * frequency / rope.factor + blend * frequency;
}

// Turns every head of one row. Llama 4 pairs neighbours (2i, 2i + 1), Llama pairs halves (i, i + d / 2).
void ApplyRope(const ModelConfig& config, int position, Row& row) {
  const int half = config.head_dim / 2;
  for (size_t head = 0; head < row.size(); head += config.head_dim) {
    for (int pair = 0; pair < half; ++pair) {
      // The published models compute frequencies and angles in float32; far positions would differ otherwise.
      const float angle = static_cast<float>(position) * static_cast<float>(RopeFrequency(config, pair));
      const bool interleaved = config.family == ModelConfig::Family::kLlama4;
      double& first = row[head + (interleaved ? 2 * pair : pair)];
      double& second = row[head + (interleaved ? 2 * pair + 1 : pair + half)];
      Rotate(first, second, static_cast<double>(angle));
    }
  }
}

}  // namespace

ReferenceModel::ReferenceModel(ModelConfig config, Weights weights)
    : config_(std::move(config)),
      weights_(std::move(weights)),
      text_prefix_(config_.family == ModelConfig::Family::kLlama4 ? "language_model." : "") {}

std::string ReferenceModel::Layer(int layer) const {
  return text_prefix_ + "model.layers." + std::to_string(layer) + ".";
}

// ---- Text
// ------------------------------------------------------------------------------------------------------------

ReferenceModel::Trace ReferenceModel::Run(const std::vector<int32_t>& ids, const Rows& image_rows) const {
  const std::vector<float> table = weights_(text_prefix_ + "model.embed_tokens.weight");  // [vocab, hidden]
  Rows x;  // [tokens][hidden]: the residual stream
  size_t images_used = 0;
  for (int32_t id : ids) {
    if (id == config_.image_token && !image_rows.empty()) {
      x.push_back(image_rows.at(images_used++));
    } else {
      const auto row = table.begin() + static_cast<int64_t>(id) * config_.hidden;
      x.emplace_back(row, row + config_.hidden);
    }
  }

  Trace trace;
  for (int layer = 0; layer < config_.layers; ++layer) {
    trace.hidden.push_back(x);
    AddTo(x,
          Attention(layer, RmsNorm(x, weights_(Layer(layer) + "input_layernorm.weight"), config_.norm_eps)));
    AddTo(x, FeedForward(layer, RmsNorm(x, weights_(Layer(layer) + "post_attention_layernorm.weight"),
                                        config_.norm_eps)));
  }
  trace.hidden.push_back(RmsNorm(x, weights_(text_prefix_ + "model.norm.weight"), config_.norm_eps));
  return trace;
}

std::vector<double> ReferenceModel::Logits(const Row& hidden) const {
  const std::string name = config_.tied ? "model.embed_tokens.weight" : "lm_head.weight";
  return Linear({hidden}, weights_(text_prefix_ + name))[0];
}

Rows ReferenceModel::Attention(int layer, const Rows& normed) const {
  const std::string prefix = Layer(layer) + "self_attn.";
  Rows queries = Linear(normed, weights_(prefix + "q_proj.weight"));       // [tokens][heads * head_dim]
  Rows keys = Linear(normed, weights_(prefix + "k_proj.weight"));          // [tokens][kv_heads * head_dim]
  const Rows values = Linear(normed, weights_(prefix + "v_proj.weight"));  // [tokens][kv_heads * head_dim]
  const int tokens = static_cast<int>(normed.size());
  const int head_dim = config_.head_dim;

  for (int position = 0; position < tokens; ++position) {
    if (config_.uses_rope[layer]) {
      for (Row* row : {&queries[position], &keys[position]}) {
        ApplyRope(config_, position, *row);
        if (!config_.qk_norm) continue;
        for (size_t head = 0; head < row->size(); head += head_dim) {
          NormaliseRms(row->data() + head, head_dim, config_.norm_eps);
        }
      }
    } else if (config_.temperature_tuning) {
      // Layers without positions: later queries are made louder, so that attention over long texts stays
      // sharp.
      const double steps = std::floor((position + 1.0) / config_.floor_scale);
      for (double& value : queries[position]) value *= std::log(steps + 1.0) * config_.attn_scale + 1.0;
    }
  }

  Rows outputs(tokens, Row(queries[0].size(), 0.0));
  const bool chunked = config_.chunked[layer] && config_.attention_chunk > 0;
  for (int i = 0; i < tokens; ++i) {
    std::vector<int> visible;
    for (int j = 0; j <= i; ++j) {
      if (!chunked || i / config_.attention_chunk == j / config_.attention_chunk) visible.push_back(j);
    }
    for (int head = 0; head < config_.heads; ++head) {
      const int kv_head =
          head / (config_.heads / config_.kv_heads);  // several query heads share one key head
      AttendOne(queries[i], keys, values, visible, head * head_dim, kv_head * head_dim, head_dim,
                outputs[i].data() + head * head_dim);
    }
  }
  return Linear(outputs, weights_(prefix + "o_proj.weight"));
}

Rows ReferenceModel::FeedForward(int layer, const Rows& normed) const {
  const bool llama4 = config_.family == ModelConfig::Family::kLlama4;
  const std::string prefix = Layer(layer) + (llama4 ? "feed_forward." : "mlp.");
  if (!config_.is_moe[layer]) return SwiGlu(normed, prefix, config_.ffn_dense);
  Rows outputs = SwiGlu(normed, prefix + "shared_expert.", config_.ffn_expert);
  AddTo(outputs, Experts(normed, prefix));
  return outputs;
}

// down(silu(gate(x)) * up(x))
Rows ReferenceModel::SwiGlu(const Rows& inputs, const std::string& prefix, int width) const {
  Rows gate = Linear(inputs, weights_(prefix + "gate_proj.weight"));    // [tokens][width]
  const Rows up = Linear(inputs, weights_(prefix + "up_proj.weight"));  // [tokens][width]
  for (size_t row = 0; row < gate.size(); ++row) {
    for (int i = 0; i < width; ++i) gate[row][i] = Silu(gate[row][i]) * up[row][i];
  }
  return Linear(gate, weights_(prefix + "down_proj.weight"));
}

// Each token goes to its best experts; the sigmoid of an expert's score multiplies that expert's *input*.
Rows ReferenceModel::Experts(const Rows& inputs, const std::string& prefix) const {
  const Rows scores = Linear(inputs, weights_(prefix + "router.weight"));  // [tokens][experts]
  const std::vector<float> gate_up =
      weights_(prefix + "experts.gate_up_proj");                           // [experts, hidden, 2 * width]
  const std::vector<float> down = weights_(prefix + "experts.down_proj");  // [experts, width, hidden]
  const int hidden = config_.hidden;
  const int width = config_.ffn_expert;
  Rows outputs(inputs.size(), Row(hidden, 0.0));
  for (size_t row = 0; row < inputs.size(); ++row) {
    std::vector<int> order(config_.experts);
    for (int expert = 0; expert < config_.experts; ++expert) order[expert] = expert;
    std::stable_sort(order.begin(), order.end(),
                     [&](int a, int b) { return scores[row][a] > scores[row][b]; });
    for (int chosen = 0; chosen < config_.experts_per_token; ++chosen) {
      const int expert = order[chosen];
      const double share = Sigmoid(scores[row][expert]);
      const float* first = gate_up.data() + static_cast<int64_t>(expert) * hidden * 2 * width;
      const float* second = down.data() + static_cast<int64_t>(expert) * width * hidden;
      // These weights are stored [in, out]: a row belongs to an input.
      Row both(2 * width, 0.0);
      for (int k = 0; k < hidden; ++k) {
        for (int n = 0; n < 2 * width; ++n) {
          both[n] +=
              inputs[row][k] * share * static_cast<double>(first[static_cast<int64_t>(k) * 2 * width + n]);
        }
      }
      for (int k = 0; k < width; ++k) {
        const double activation = Silu(both[k]) * both[width + k];
        for (int n = 0; n < hidden; ++n) {
          outputs[row][n] += activation * static_cast<double>(second[static_cast<int64_t>(k) * hidden + n]);
        }
      }
    }
  }
  return outputs;
}

// ---- Vision
// ----------------------------------------------------------------------------------------------------------

Rows ReferenceModel::EncodeTile(const std::vector<float>& pixels) const {
  const VisionConfig& vision = config_.vision;
  const int size = vision.image_size;
  const int patch = vision.patch_size;
  const int side = size / patch;

  // A patch is a row of pixels: channel, then line, then column.
  Rows patches;
  for (int row = 0; row < side; ++row) {
    for (int column = 0; column < side; ++column) {
      Row values;
      for (int channel = 0; channel < vision.channels; ++channel) {
        for (int y = 0; y < patch; ++y) {
          for (int x = 0; x < patch; ++x) {
            values.push_back(
                static_cast<double>(pixels[(static_cast<int64_t>(channel) * size + row * patch + y) * size +
                                           column * patch + x]));
          }
        }
      }
      patches.push_back(std::move(values));
    }
  }
  Rows x = Linear(patches, weights_("vision_model.patch_embedding.linear.weight"));

  // The class token comes last; it takes part in attention and is dropped at the end.
  const std::vector<float> class_token = weights_("vision_model.class_embedding");
  x.emplace_back(class_token.begin(), class_token.end());
  const std::vector<float> positions =
      weights_("vision_model.positional_embedding_vlm");  // [patches + 1, hidden]
  for (size_t row = 0; row < x.size(); ++row) {
    for (int i = 0; i < vision.hidden; ++i)
      x[row][i] += static_cast<double>(positions[row * vision.hidden + i]);
  }

  const auto norm = [&](const Rows& rows, const std::string& name) {
    return LayerNorm(rows, weights_(name + ".weight"), weights_(name + ".bias"), vision.norm_eps);
  };
  x = norm(x, "vision_model.layernorm_pre");
  for (int layer = 0; layer < vision.layers; ++layer) {
    const std::string prefix = "vision_model.model.layers." + std::to_string(layer) + ".";
    AddTo(x, VisionAttention(norm(x, prefix + "input_layernorm"), prefix + "self_attn."));
    Rows inner = Linear(norm(x, prefix + "post_attention_layernorm"), weights_(prefix + "mlp.fc1.weight"),
                        weights_(prefix + "mlp.fc1.bias"));
    for (Row& row : inner) std::transform(row.begin(), row.end(), row.begin(), Gelu);
    AddTo(x, Linear(inner, weights_(prefix + "mlp.fc2.weight"), weights_(prefix + "mlp.fc2.bias")));
  }
  x = norm(x, "vision_model.layernorm_post");

  // Pixel shuffle: four neighbouring patches become one row, upper two first.
  Rows joined;
  for (int row = 0; row < side; row += 2) {
    for (int column = 0; column < side; column += 2) {
      Row four;
      for (int neighbour : {row * side + column, row * side + column + 1, (row + 1) * side + column,
                            (row + 1) * side + column + 1}) {
        four.insert(four.end(), x[neighbour].begin(), x[neighbour].end());
      }
      joined.push_back(std::move(four));
    }
  }

  // Adapter (an activation after its second layer too), then the projector to the text model's width.
  for (const char* name : {"fc1", "fc2"}) {
    joined = Linear(joined, weights_(std::string("vision_model.vision_adapter.mlp.") + name + ".weight"));
    for (Row& row : joined) std::transform(row.begin(), row.end(), row.begin(), Gelu);
  }
  return Linear(joined, weights_("multi_modal_projector.linear_1.weight"));
}

// Every patch sees every patch of its tile. Pairs of the first half of a head turn by the column, the rest by
// the row.
Rows ReferenceModel::VisionAttention(const Rows& normed, const std::string& prefix) const {
  const VisionConfig& vision = config_.vision;
  const int head_dim = vision.hidden / vision.heads;
  const int pairs = head_dim / 2;
  const int side = vision.image_size / vision.patch_size;
  const auto project = [&](const char* name) {
    return Linear(normed, weights_(prefix + name + ".weight"), weights_(prefix + name + ".bias"));
  };
  Rows queries = project("q_proj");
  Rows keys = project("k_proj");
  const Rows values = project("v_proj");

  for (int token = 0; token < side * side; ++token) {  // the class token, the last one, does not turn
    for (Row* row : {&queries[token], &keys[token]}) {
      for (int pair = 0; pair < pairs; ++pair) {
        const bool by_column = pair < pairs / 2;
        const int index = by_column ? pair : pair - pairs / 2;
        const double step = std::pow(vision.rope_theta, -2.0 * index / pairs);
        const int place = by_column ? token % side + 1 : token / side + 1;
        for (int head = 0; head < vision.heads; ++head) {
          Rotate((*row)[head * head_dim + 2 * pair], (*row)[head * head_dim + 2 * pair + 1], place * step);
        }
      }
    }
  }

  std::vector<int> all(normed.size());
  for (size_t token = 0; token < all.size(); ++token) all[token] = static_cast<int>(token);
  Rows outputs(normed.size(), Row(vision.hidden, 0.0));
  for (size_t token = 0; token < normed.size(); ++token) {
    for (int head = 0; head < vision.heads; ++head) {
      const int at = head * head_dim;
      AttendOne(queries[token], keys, values, all, at, at, head_dim, outputs[token].data() + at);
    }
  }
  return Linear(outputs, weights_(prefix + "o_proj.weight"), weights_(prefix + "o_proj.bias"));
}

}  // namespace gatehouse::test

#include "model/vision.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "model/rope.h"
#include "model/workspace.h"
#include "tensor/page.h"

namespace gatehouse {
namespace {

using WeightPtr = std::unique_ptr<DeviceWeight>;

// A linear layer, or a layer norm, with its bias.
struct Affine {
  WeightPtr weight, bias;
};

// Tiles that go through the network together: enough rows for full products, bounded memory.
constexpr int kTilesAtOnce = 4;

}  // namespace

struct VisionEncoder::Layer {
  Affine norm1, q, k, v, o, norm2, fc1, fc2;
};

struct VisionEncoder::Work {
  explicit Work(Backend& backend)
      : patches(backend),
        embedded(backend),
        x(backend),
        q(backend),
        k(backend),
        v(backend),
        attended(backend),
        wide(backend),
        cos(backend),
        sin(backend),
        positions(backend),
        class_row(backend),
        shuffled(backend),
        adapted(backend) {}
  Workspace patches, embedded, x, q, k, v, attended, wide, cos, sin, positions, class_row, shuffled, adapted;
  Mat cos_rows, sin_rows;
};

VisionEncoder::VisionEncoder(const ModelConfig& config, Backend& backend)
    : config_(config), backend_(backend), work_(std::make_unique<Work>(backend)) {}
VisionEncoder::~VisionEncoder() = default;

int VisionEncoder::tokens_per_tile() const {
  const int grid = config_.vision.image_size / config_.vision.patch_size / 2;
  return grid * grid;
}

Result<std::unique_ptr<VisionEncoder>> VisionEncoder::Create(const ModelConfig& config,
                                                             const WeightLookup& lookup, Backend& backend) {
  std::unique_ptr<VisionEncoder> encoder(new VisionEncoder(config, backend));
  const VisionConfig& vision = config.vision;
  const auto matrix = [&](const std::string& name, int64_t rows, int64_t cols) -> Result<WeightPtr> {
    GATEHOUSE_ASSIGN(WeightView view, lookup(name + ".weight", {rows, cols}));
    return backend.LoadWeight(std::move(view));
  };
  const auto vector = [&](const std::string& name, int64_t size) -> Result<WeightPtr> {
    GATEHOUSE_ASSIGN(const WeightView view, lookup(name, {size}));
    return backend.LoadVector(view);
  };
  const auto affine = [&](const std::string& name, int64_t rows, int64_t cols, Affine* out) -> Result<void> {
    GATEHOUSE_ASSIGN(out->weight, matrix(name, rows, cols));
    GATEHOUSE_ASSIGN(out->bias, vector(name + ".bias", rows));
    return {};
  };
  const auto norm = [&](const std::string& name, Affine* out) -> Result<void> {
    GATEHOUSE_ASSIGN(out->weight, vector(name + ".weight", vision.hidden));
    GATEHOUSE_ASSIGN(out->bias, vector(name + ".bias", vision.hidden));
    return {};
  };
  const auto values = [&](const std::string& name, const Shape& shape,
                          std::vector<float>* out) -> Result<void> {
    GATEHOUSE_ASSIGN(const WeightView view, lookup(name, shape));
    out->resize(static_cast<size_t>(view.rows * view.cols));
    view.ReadRows(0, view.rows, out->data());
    return {};
  };

  const int64_t hidden = vision.hidden;
  const int64_t grid = vision.image_size / vision.patch_size;
  const int64_t patch = static_cast<int64_t>(vision.channels) * vision.patch_size * vision.patch_size;
  GATEHOUSE_ASSIGN(encoder->patch_embedding_, matrix("vision_model.patch_embedding.linear", hidden, patch));
  GATEHOUSE_TRY(values("vision_model.class_embedding", {hidden}, &encoder->class_embedding_));
  GATEHOUSE_TRY(values("vision_model.positional_embedding_vlm", {grid * grid + 1, hidden},
                       &encoder->positional_embedding_));
  Affine pre, post;
  GATEHOUSE_TRY(norm("vision_model.layernorm_pre", &pre));
  GATEHOUSE_TRY(norm("vision_model.layernorm_post", &post));
  encoder->pre_weight_ = std::move(pre.weight);
  encoder->pre_bias_ = std::move(pre.bias);
  encoder->post_weight_ = std::move(post.weight);
  encoder->post_bias_ = std::move(post.bias);
  for (int i = 0; i < vision.layers; ++i) {
    const std::string prefix = "vision_model.model.layers." + std::to_string(i) + ".";
    Layer layer;
    GATEHOUSE_TRY(norm(prefix + "input_layernorm", &layer.norm1));
    GATEHOUSE_TRY(affine(prefix + "self_attn.q_proj", hidden, hidden, &layer.q));
    GATEHOUSE_TRY(affine(prefix + "self_attn.k_proj", hidden, hidden, &layer.k));
    GATEHOUSE_TRY(affine(prefix + "self_attn.v_proj", hidden, hidden, &layer.v));
    GATEHOUSE_TRY(affine(prefix + "self_attn.o_proj", hidden, hidden, &layer.o));
    GATEHOUSE_TRY(norm(prefix + "post_attention_layernorm", &layer.norm2));
    GATEHOUSE_TRY(affine(prefix + "mlp.fc1", vision.ffn, hidden, &layer.fc1));
    GATEHOUSE_TRY(affine(prefix + "mlp.fc2", hidden, vision.ffn, &layer.fc2));
    encoder->layers_.push_back(std::move(layer));
  }
  const int64_t shuffled = 4 * hidden;
  GATEHOUSE_ASSIGN(encoder->adapter1_,
                   matrix("vision_model.vision_adapter.mlp.fc1", vision.projector_input, shuffled));
  GATEHOUSE_ASSIGN(encoder->adapter2_, matrix("vision_model.vision_adapter.mlp.fc2", vision.projector_output,
                                              vision.projector_input));
  GATEHOUSE_ASSIGN(encoder->projector_,
                   matrix("multi_modal_projector.linear_1", config.hidden, vision.output));

  const int heads = vision.heads;
  encoder->cache_ = backend.CreateKvCache({1, heads, static_cast<int>(hidden) / heads, true});
  return encoder;
}

Result<void> VisionEncoder::Encode(std::span<const float> pixels, int tiles, Mat out,
                                   const BetweenLayers& between_layers) {
  const int64_t tile_values = static_cast<int64_t>(3) * tile_size() * tile_size();
  for (int first = 0; first < tiles; first += kTilesAtOnce) {
    const int count = std::min(kTilesAtOnce, tiles - first);
    GATEHOUSE_TRY(EncodeSome(pixels.data() + first * tile_values, count,
                             out.Rows(static_cast<int64_t>(first) * tokens_per_tile(),
                                      static_cast<int64_t>(count) * tokens_per_tile()),
                             between_layers));
  }
  return {};
}

Result<void> VisionEncoder::EncodeSome(const float* pixels, int tiles, Mat out,
                                       const BetweenLayers& between_layers) {
  const VisionConfig& vision = config_.vision;
  const int size = vision.image_size, patch = vision.patch_size;
  const int grid = size / patch;
  const int per_tile = grid * grid + 1;  // patches and the class token, which comes last
  const int64_t rows = static_cast<int64_t>(tiles) * per_tile;
  const int64_t hidden = vision.hidden;
  const int head_dim = static_cast<int>(hidden) / vision.heads;

  // Patches as rows: channel, then row, then column inside the patch.
  const int64_t patch_values = static_cast<int64_t>(3) * patch * patch;
  std::vector<float> host(static_cast<size_t>(tiles * grid * grid * patch_values));
  float* to = host.data();
  for (int tile = 0; tile < tiles; ++tile) {
    for (int row = 0; row < grid; ++row) {
      for (int col = 0; col < grid; ++col) {
        for (int channel = 0; channel < 3; ++channel) {
          for (int y = 0; y < patch; ++y) {
            const float* from = pixels +
                                ((static_cast<int64_t>(tile) * 3 + channel) * size + row * patch + y) * size +
                                col * patch;
            to = std::copy(from, from + patch, to);
          }
        }
      }
    }
  }
  const Mat patches = work_->patches.Get(static_cast<int64_t>(tiles) * grid * grid, patch_values);
  backend_.Upload(host.data(), patches);
  const Mat embedded = work_->embedded.Get(patches.rows, hidden);
  backend_.Linear(patches, {{patch_embedding_.get(), nullptr, embedded}});

  // Row numbers that the gathers and scatters below need, and the attention layout: a tile is a sequence.
  std::vector<int32_t> patch_rows, class_rows, position_rows, shuffle_rows;
  AttentionLayout layout;
  const int32_t pages = (per_tile + kPageTokens - 1) / kPageTokens;
  for (int tile = 0; tile < tiles; ++tile) {
    const int32_t base = tile * per_tile;
    for (int i = 0; i + 1 < per_tile; ++i) patch_rows.push_back(base + i);
    class_rows.push_back(base + per_tile - 1);
    for (int i = 0; i < per_tile; ++i) {
      position_rows.push_back(i);
      layout.rows.push_back({.sequence = tile, .slot = i, .end = per_tile});
    }
    layout.pages.emplace_back();
    for (int32_t page = 0; page < pages; ++page) layout.pages.back().push_back(tile * pages + page);
    // Pixel shuffle: the four patches of a 2 x 2 square become one token.
    for (int row = 0; row < grid; row += 2) {
      for (int col = 0; col < grid; col += 2) {
        for (int part : {0, 1, grid, grid + 1}) shuffle_rows.push_back(base + row * grid + col + part);
      }
    }
  }
  GATEHOUSE_TRY(cache_->Reserve(tiles * pages));

  const Mat x = work_->x.Get(rows, hidden);
  backend_.ScatterRows(embedded, patch_rows, x);
  const Mat class_row = work_->class_row.Get(1, hidden);
  backend_.Upload(class_embedding_.data(), class_row);
  for (int32_t row : class_rows) backend_.ScatterRows(class_row, std::span(&row, 1), x);
  const Mat positions = work_->positions.Get(per_tile, hidden);
  backend_.Upload(positional_embedding_.data(), positions);
  backend_.AddRowBias(x, positions, position_rows);

  std::vector<float> cos, sin, all_cos, all_sin;
  VisionRopeTables(grid, head_dim, static_cast<float>(vision.rope_theta), &cos, &sin);
  for (int tile = 0; tile < tiles; ++tile) {
    all_cos.insert(all_cos.end(), cos.begin(), cos.end());
    all_sin.insert(all_sin.end(), sin.begin(), sin.end());
  }
  work_->cos_rows = work_->cos.Get(rows, head_dim / 2);
  work_->sin_rows = work_->sin.Get(rows, head_dim / 2);
  backend_.Upload(all_cos.data(), work_->cos_rows);
  backend_.Upload(all_sin.data(), work_->sin_rows);

  const float eps = static_cast<float>(vision.norm_eps);
  backend_.Compute(LinearInput::LayerNorm(x, *pre_weight_, *pre_bias_, eps), x);
  for (const Layer& layer : layers_) {
    Block(layer, layout, x);
    if (between_layers && !between_layers())
      return Error{ErrorCode::kCancelled, "the encoder was stopped", "engine", {}, {}};
  }
  backend_.Compute(LinearInput::LayerNorm(x, *post_weight_, *post_bias_, eps), x);

  // [4 n, hidden] read as [n, 4 hidden]: the gather put the four patches of a token behind each other.
  Mat shuffled = work_->shuffled.Get(static_cast<int64_t>(shuffle_rows.size()), hidden);
  backend_.GatherRows(x, shuffle_rows, shuffled);
  shuffled.rows /= 4;
  shuffled.cols *= 4;
  const Mat adapted = work_->wide.Get(shuffled.rows, adapter1_->rows);
  backend_.Linear(shuffled, {{adapter1_.get(), nullptr, adapted}});
  const Mat output = work_->adapted.Get(shuffled.rows, adapter2_->rows);
  backend_.Linear(LinearInput::Gelu(adapted), {{adapter2_.get(), nullptr, output}});
  backend_.Linear(LinearInput::Gelu(output), {{projector_.get(), nullptr, out}});
  return {};
}

void VisionEncoder::Block(const Layer& layer, const AttentionLayout& layout, Mat x) {
  const VisionConfig& vision = config_.vision;
  const float eps = static_cast<float>(vision.norm_eps);
  const int head_dim = vision.hidden / vision.heads;
  const Mat q = work_->q.Get(x.rows, x.cols);
  const Mat k = work_->k.Get(x.rows, x.cols);
  const Mat v = work_->v.Get(x.rows, x.cols);
  const Mat attended = work_->attended.Get(x.rows, x.cols);
  backend_.Linear(LinearInput::LayerNorm(x, *layer.norm1.weight, *layer.norm1.bias, eps),
                  {{layer.q.weight.get(), layer.q.bias.get(), q},
                   {layer.k.weight.get(), layer.k.bias.get(), k},
                   {layer.v.weight.get(), layer.v.bias.get(), v}});
  backend_.Rope(q, head_dim, work_->cos_rows, work_->sin_rows, /*interleaved=*/true);
  backend_.Rope(k, head_dim, work_->cos_rows, work_->sin_rows, /*interleaved=*/true);
  backend_.WriteKv(*cache_, 0, layout, k, v);
  backend_.Attention(*cache_, 0, layout, q, 1.0f / std::sqrt(static_cast<float>(head_dim)), /*chunked=*/false,
                     attended);
  backend_.Linear(attended, {{layer.o.weight.get(), layer.o.bias.get(), x, /*adds=*/true}});
  const Mat wide = work_->wide.Get(x.rows, vision.ffn);
  backend_.Linear(LinearInput::LayerNorm(x, *layer.norm2.weight, *layer.norm2.bias, eps),
                  {{layer.fc1.weight.get(), layer.fc1.bias.get(), wide}});
  backend_.Linear(LinearInput::Gelu(wide),
                  {{layer.fc2.weight.get(), layer.fc2.bias.get(), x, /*adds=*/true}});
}

}  // namespace gatehouse

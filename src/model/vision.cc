#include "model/vision.h"

#include <algorithm>
#include <cmath>
#include <new>
#include <string>
#include <utility>

#include "base/error.h"
#include "model/rope.h"
#include "model/workspace.h"
#include "tensor/page.h"

namespace gatehouse {
namespace {

// A linear layer, or a layer norm, with its bias.
struct Affine {
  WeightPtr weight, bias;
};

// The row numbers that gathers, scatters and attention need, for `tiles` tiles of grid x grid patches and a
// class token each, which comes last. A tile is a sequence.
struct TileRows {
  std::vector<int32_t> patches, classes, places, shuffled, zeros;
  AttentionLayout layout;
};

int32_t PagesOfTile(int per_tile) { return (per_tile + kPageTokens - 1) / kPageTokens; }

TileRows MakeTileRows(int tiles, int grid) {
  TileRows out;
  const int per_tile = grid * grid + 1;
  const int32_t pages = PagesOfTile(per_tile);
  for (int tile = 0; tile < tiles; ++tile) {
    const int32_t base = tile * per_tile;
    for (int i = 0; i + 1 < per_tile; ++i) out.patches.push_back(base + i);
    out.classes.push_back(base + per_tile - 1);
    out.zeros.push_back(0);
    for (int i = 0; i < per_tile; ++i) {
      out.places.push_back(i);
      out.layout.rows.push_back({.sequence = tile, .slot = i, .end = per_tile});
    }
    out.layout.pages.emplace_back();
    for (int32_t page = 0; page < pages; ++page) out.layout.pages.back().push_back(tile * pages + page);
    // Pixel shuffle: the four patches of a 2 x 2 square become one token.
    for (int row = 0; row < grid; row += 2) {
      for (int col = 0; col < grid; col += 2) {
        for (int part : {0, 1, grid, grid + 1}) out.shuffled.push_back(base + row * grid + col + part);
      }
    }
  }
  return out;
}

// Patches as rows: channel, then row, then column inside the patch.
// pixels [tiles][3][size][size] -> [tiles * grid * grid][3 * patch * patch]
std::vector<float> PatchRows(const float* pixels, int tiles, int size, int patch) {
  const int grid = size / patch;
  std::vector<float> out(static_cast<size_t>(tiles) * 3 * size * size);
  float* to = out.data();
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
  return out;
}

}  // namespace

struct VisionEncoder::Layer {
  Affine norm1, q, k, v, o, norm2, fc1, fc2;
};

struct VisionEncoder::Work {
  explicit Work(Backend& backend)
      : embedded(backend),
        x(backend),
        shuffled(backend),
        patches(backend, backend.ActivationType()),
        q(backend, backend.ActivationType()),
        k(backend, backend.ActivationType()),
        v(backend, backend.ActivationType()),
        attended(backend, backend.ActivationType()),
        wide(backend, backend.ActivationType()),
        adapted(backend, backend.ActivationType()),
        cos(backend),
        sin(backend),
        patch_rows(backend, DType::kI32),
        class_rows(backend, DType::kI32),
        places(backend, DType::kI32),
        shuffled_rows(backend, DType::kI32),
        zeros(backend, DType::kI32),
        layout(backend.CreateLayout()) {}

  // Of each matrix its elements for so many tiles.
  std::vector<std::pair<Workspace*, int64_t>> Sizes(const VisionConfig& vision, int64_t tiles) {
    const int64_t grid = vision.image_size / vision.patch_size, patches_of = grid * grid;
    const int64_t rows = tiles * (patches_of + 1), hidden = vision.hidden;
    const int64_t pixels = tiles * 3 * vision.image_size * vision.image_size;
    const int64_t tokens = tiles * patches_of / 4;
    const int64_t angles = (patches_of + 1) * (hidden / vision.heads / 2);
    return {{&embedded, tiles * (patches_of + 1) * hidden},
            {&x, rows * hidden},
            {&shuffled, tiles * patches_of * hidden},
            {&patches, pixels},
            {&q, rows * hidden},
            {&k, rows * hidden},
            {&v, rows * hidden},
            {&attended, rows * hidden},
            {&wide, std::max(rows * vision.ffn, tokens * vision.projector_input)},
            {&adapted, tokens * vision.projector_output},
            {&cos, angles},
            {&sin, angles},
            {&patch_rows, rows},
            {&class_rows, tiles},
            {&places, rows},
            {&shuffled_rows, rows},
            {&zeros, tiles}};
  }

  Workspace embedded, x, shuffled, patches, q, k, v, attended, wide, adapted;
  Workspace cos, sin;  // [patches + 1, head_dim / 2], the same for every tile
  Workspace patch_rows, class_rows, places, shuffled_rows, zeros;
  std::unique_ptr<DeviceLayout> layout;
  Mat cos_rows, sin_rows, place_rows;  // of the pass under way
};

VisionEncoder::VisionEncoder(const ModelConfig& config, Backend& backend)
    : config_(config), backend_(backend) {}
VisionEncoder::~VisionEncoder() = default;

int VisionEncoder::tokens_per_tile() const {
  const int grid = config_.vision.image_size / config_.vision.patch_size / 2;
  return grid * grid;
}

Result<std::unique_ptr<VisionEncoder>> VisionEncoder::Create(const ModelConfig& config,
                                                             const WeightLookup& lookup, Backend& backend) {
  std::unique_ptr<VisionEncoder> encoder(new VisionEncoder(config, backend));
  const VisionConfig& vision = config.vision;
  const WeightLoader weights(config, lookup, backend);
  const auto biased = [&](Weight weight, int layer, Affine* out) -> Result<void> {
    GATEHOUSE_ASSIGN(out->weight, weights.Load({weight, layer}));
    GATEHOUSE_ASSIGN(out->bias, weights.Load({weight, layer, kNoExpert, /*bias=*/true}));
    return {};
  };

  GATEHOUSE_ASSIGN(encoder->patch_embedding_, weights.Load({Weight::kPatches}));
  GATEHOUSE_ASSIGN(encoder->class_embedding_, weights.Load({Weight::kClass}));
  GATEHOUSE_ASSIGN(encoder->positional_embedding_, weights.Load({Weight::kPositions}));
  Affine pre, post;
  GATEHOUSE_TRY(biased(Weight::kVisionPreNorm, -1, &pre));
  GATEHOUSE_TRY(biased(Weight::kVisionPostNorm, -1, &post));
  encoder->pre_weight_ = std::move(pre.weight);
  encoder->pre_bias_ = std::move(pre.bias);
  encoder->post_weight_ = std::move(post.weight);
  encoder->post_bias_ = std::move(post.bias);
  for (int i = 0; i < vision.layers; ++i) {
    Layer layer;
    GATEHOUSE_TRY(biased(Weight::kVisionAttentionNorm, i, &layer.norm1));
    GATEHOUSE_TRY(biased(Weight::kVisionQuery, i, &layer.q));
    GATEHOUSE_TRY(biased(Weight::kVisionKey, i, &layer.k));
    GATEHOUSE_TRY(biased(Weight::kVisionValue, i, &layer.v));
    GATEHOUSE_TRY(biased(Weight::kVisionAttentionOutput, i, &layer.o));
    GATEHOUSE_TRY(biased(Weight::kVisionFeedForwardNorm, i, &layer.norm2));
    GATEHOUSE_TRY(biased(Weight::kVisionWiden, i, &layer.fc1));
    GATEHOUSE_TRY(biased(Weight::kVisionNarrow, i, &layer.fc2));
    encoder->layers_.push_back(std::move(layer));
  }
  GATEHOUSE_ASSIGN(encoder->adapter1_, weights.Load({Weight::kAdapterWiden}));
  GATEHOUSE_ASSIGN(encoder->adapter2_, weights.Load({Weight::kAdapterNarrow}));
  GATEHOUSE_ASSIGN(encoder->projector_, weights.Load({Weight::kProjector}));

  const int heads = vision.heads;
  encoder->cache_ = backend.CreateKvCache({1, heads, vision.hidden / heads, true});
  return encoder;
}

int64_t VisionEncoder::PassBytes() const {
  Work none(backend_);
  int64_t bytes = 0;
  for (const auto& [space, elements] : none.Sizes(config_.vision, backend_.Limits().max_tiles))
    bytes += space->BytesFor(elements);
  const int grid = config_.vision.image_size / config_.vision.patch_size;
  return bytes + int64_t{backend_.Limits().max_tiles} * PagesOfTile(grid * grid + 1) * cache_->BytesPerPage();
}

// Memory for as many tiles as the backend likes; the angles go over once.
Result<void> VisionEncoder::MakeWork() {
  const VisionConfig& vision = config_.vision;
  const int tiles = backend_.Limits().max_tiles;
  const int grid = vision.image_size / vision.patch_size, per_tile = grid * grid + 1;
  const int head_dim = vision.hidden / vision.heads;
  auto work = std::make_unique<Work>(backend_);
  for (const auto& [space, elements] : work->Sizes(vision, tiles)) GATEHOUSE_TRY(space->Reserve(elements));
  GATEHOUSE_TRY(cache_->Reserve(tiles * PagesOfTile(per_tile)));
  std::vector<float> cos, sin;
  VisionRopeTables(grid, head_dim, static_cast<float>(vision.rope_theta), &cos, &sin);
  work->cos_rows = work->cos.Get(per_tile, head_dim / 2);
  work->sin_rows = work->sin.Get(per_tile, head_dim / 2);
  PassScope pass(backend_);
  backend_.Upload(cos, work->cos_rows);
  backend_.Upload(sin, work->sin_rows);
  GATEHOUSE_TRY(pass.End());
  work_ = std::move(work);
  return {};
}

Result<void> VisionEncoder::Encode(std::span<const float> pixels, int tiles, Mat out,
                                   const BetweenLayers& between_layers) {
  try {
    if (work_ == nullptr) GATEHOUSE_TRY(MakeWork());
    const int at_once = backend_.Limits().max_tiles;
    const int64_t tile_values = static_cast<int64_t>(3) * tile_size() * tile_size();
    for (int first = 0; first < tiles; first += at_once) {
      const int count = std::min(at_once, tiles - first);
      PassScope pass(backend_);
      GATEHOUSE_TRY(Run(pixels.data() + first * tile_values, count,
                        out.Rows(static_cast<int64_t>(first) * tokens_per_tile(),
                                 static_cast<int64_t>(count) * tokens_per_tile()),
                        between_layers));
      GATEHOUSE_TRY(pass.End());
    }
    return {};
  } catch (const std::bad_alloc&) {
    return OutOfMemory("vision encoder");
  }
}

Result<void> VisionEncoder::Run(const float* pixels, int tiles, Mat out,
                                const BetweenLayers& between_layers) {
  const VisionConfig& vision = config_.vision;
  const int size = vision.image_size, patch = vision.patch_size;
  const int grid = size / patch;
  const int64_t hidden = vision.hidden;
  const TileRows numbers = MakeTileRows(tiles, grid);
  const auto bring = [&](const std::vector<int32_t>& host, const Workspace& space) {
    const Mat to = space.Get(static_cast<int64_t>(host.size()), 1);
    backend_.Upload(host, to);
    return to;
  };
  const Mat patch_rows = bring(numbers.patches, work_->patch_rows);
  const Mat class_rows = bring(numbers.classes, work_->class_rows);
  const Mat shuffled_rows = bring(numbers.shuffled, work_->shuffled_rows);
  const Mat zeros = bring(numbers.zeros, work_->zeros);
  work_->place_rows = bring(numbers.places, work_->places);
  backend_.Prepare(numbers.layout, *work_->layout);

  const int64_t patch_values = static_cast<int64_t>(3) * patch * patch;
  const Mat patches = work_->patches.Get(static_cast<int64_t>(tiles) * grid * grid, patch_values);
  backend_.Upload(PatchRows(pixels, tiles, size, patch), patches);
  const Mat embedded = work_->embedded.Get(patches.rows, hidden);
  backend_.Linear(patches, {{patch_embedding_.get(), nullptr, embedded}});
  const Mat x = work_->x.Get(work_->place_rows.rows, hidden);
  backend_.CopyRows(embedded, {}, x, patch_rows);
  const Mat class_tokens = work_->embedded.Get(tiles, hidden);  // the patches are where they belong
  backend_.Embed(*class_embedding_, zeros, class_tokens);
  backend_.CopyRows(class_tokens, {}, x, class_rows);
  backend_.AddRows(x, *positional_embedding_, work_->place_rows);

  const float eps = static_cast<float>(vision.norm_eps);
  backend_.Compute(LinearInput::LayerNorm(x, *pre_weight_, *pre_bias_, eps), x);
  for (const Layer& layer : layers_) {
    RunLayer(layer, x);
    if (between_layers && !between_layers())
      return Error{ErrorCode::kCancelled, "the encoder was stopped", "engine", {}, {}};
  }
  backend_.Compute(LinearInput::LayerNorm(x, *post_weight_, *post_bias_, eps), x);

  // [4 n, hidden] read as [n, 4 hidden]: the gather put the four patches of a token behind each other.
  Mat shuffled = work_->shuffled.Get(shuffled_rows.rows, hidden);
  backend_.CopyRows(x, shuffled_rows, shuffled, {});
  shuffled.rows /= 4;
  shuffled.cols *= 4;
  const Mat adapted = work_->wide.Get(shuffled.rows, adapter1_->rows);
  backend_.Linear(shuffled, {{adapter1_.get(), nullptr, adapted}});
  const Mat output = work_->adapted.Get(shuffled.rows, adapter2_->rows);
  backend_.Linear(LinearInput::Gelu(adapted), {{adapter2_.get(), nullptr, output}});
  backend_.Linear(LinearInput::Gelu(output), {{projector_.get(), nullptr, out}});
  return {};
}

void VisionEncoder::RunLayer(const Layer& layer, Mat x) {
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
  for (const Mat heads : {q, k}) {
    backend_.Rope(heads, head_dim, work_->cos_rows, work_->sin_rows, work_->place_rows, /*interleaved=*/true);
  }
  backend_.WriteKv(*cache_, 0, *work_->layout, k, v);
  backend_.Attention(*cache_, 0, *work_->layout, q, 1.0f / std::sqrt(static_cast<float>(head_dim)),
                     /*chunked=*/false, attended);
  backend_.Linear(attended, {{layer.o.weight.get(), layer.o.bias.get(), x, /*adds=*/true}});
  const Mat wide = work_->wide.Get(x.rows, vision.ffn);
  backend_.Linear(LinearInput::LayerNorm(x, *layer.norm2.weight, *layer.norm2.bias, eps),
                  {{layer.fc1.weight.get(), layer.fc1.bias.get(), wide}});
  backend_.Linear(LinearInput::Gelu(wide),
                  {{layer.fc2.weight.get(), layer.fc2.bias.get(), x, /*adds=*/true}});
}

}  // namespace gatehouse

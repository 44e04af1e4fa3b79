// VisionEncoder: Llama 4's image tower. Tiles of 336 x 336 pixels become 144 vectors each, in the width of
// the text network, which stand in for the embeddings of the <|patch|> tokens.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "backend/backend.h"
#include "formats/model_config.h"
#include "gatehouse/result.h"
#include "model/decoder.h"

namespace gatehouse {

class VisionEncoder {
 public:
  static Result<std::unique_ptr<VisionEncoder>> Create(const ModelConfig& config, const WeightLookup& lookup,
                                                       Backend& backend);
  ~VisionEncoder();

  int tile_size() const { return config_.vision.image_size; }
  int tokens_per_tile() const;

  // pixels: host f32 [tiles][3][size][size] in [-1, 1], of any number of pictures. out: device [tiles *
  // tokens_per_tile, text hidden], in the order of the tiles. As many tiles go through the network together
  // as the backend likes (PassLimits::max_tiles), each group a pass of its own. between_layers may be empty;
  // passes of a decoder may run in it; where it returns false, the encoder stops there (kCancelled). Each
  // tile sees itself alone, so its vectors do not depend on the others.
  Result<void> Encode(std::span<const float> pixels, int tiles, Mat out,
                      const BetweenLayers& between_layers = {});
  // Bytes of its matrices.
  int64_t PassBytes() const;

 private:
  struct Layer;
  struct Work;
  VisionEncoder(const ModelConfig& config, Backend& backend);
  Result<void> MakeWork();
  Result<void> Run(const float* pixels, int tiles, Mat out, const BetweenLayers& between_layers);
  void RunLayer(const Layer& layer, Mat x);

  ModelConfig config_;
  Backend& backend_;
  std::unique_ptr<DeviceWeight> patch_embedding_, adapter1_, adapter2_, projector_;
  std::unique_ptr<DeviceWeight> pre_weight_, pre_bias_, post_weight_, post_bias_;
  std::unique_ptr<DeviceWeight> class_embedding_;       // [1, hidden]
  std::unique_ptr<DeviceWeight> positional_embedding_;  // [patches + 1, hidden], the class row last
  std::vector<Layer> layers_;
  std::unique_ptr<KvCache> cache_;
  std::unique_ptr<Work> work_;  // from the first picture on
};

}  // namespace gatehouse

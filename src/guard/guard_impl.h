// Guard::Impl: the parts of a loaded guard, and the steps from a conversation to a verdict. Inspection
// commands use the steps one by one.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "gatehouse/guard.h"
#include "guard/feature_cache.h"
#include "image/image.h"
#include "policy/policy.h"
#include "policy/prompt.h"
#include "policy/verdict.h"
#include "text/tokenizer.h"

namespace gatehouse {

// A conversation on its way to the network.
struct PreparedRequest {
  Prompt prompt;
  std::vector<ImageGrid> grids;
  int tiles = 0;  // of all images
  struct Image {
    TileSet tiles;
    std::string digest;  // of the tiles
  };
  std::vector<Image> images;
  TokenisedPrompt tokens;
  double image_ms = 0;

  std::vector<float> Pixels() const;  // f32 [tiles][3][size][size], of all images in order
};

// The encoder's vectors for one request.
struct RequestFeatures {
  std::vector<std::shared_ptr<const ImageFeatures>> images;
  ImageFeatures joined;  // of several images behind each other
};

class Guard::Impl {
 public:
  explicit Impl(const GuardOptions& guard_options)
      : options(guard_options), features_(guard_options.cache_bytes / 4) {}

  GuardOptions options;
  std::string model_name;
  Policy policy;
  std::shared_ptr<const Tokenizer> tokenizer;
  std::unique_ptr<Engine> engine;

  // Renders, decodes and tiles, tokenises. texts: see TokenisePrompt; may be null.
  Result<PreparedRequest> Prepare(const Conversation& conversation, const ClassifyOptions& request,
                                  std::vector<EncodedText>* texts = nullptr) const;
  // Ids and, for images, the encoder's vectors. features must live as long as the result.
  Result<TokenInput> MakeInput(const PreparedRequest& request, RequestFeatures* features, double* vision_ms);
  Result<Verdict> Classify(const Conversation& conversation, const ClassifyOptions& request,
                           std::vector<EncodedText>* texts = nullptr);

  static CategoryChoice ChoiceOf(const ClassifyOptions& request);

 private:
  Result<std::shared_ptr<const ImageFeatures>> FeaturesOf(const PreparedRequest::Image& image);
  // A sequence that holds as much of the prompt as is known from earlier requests, with at least the policy's
  // fixed beginning: what is missing of that is computed by the first request that needs it, while others
  // wait for it.
  Result<Sequence> Begin(const PreparedRequest& request, const TokenInput& input, const RunLimits& limits,
                         bool pin, int32_t* cached);

  FeatureCache features_;
  std::mutex prefix_mutex_;
  mutable FixedTextCache fixed_texts_;
};

}  // namespace gatehouse

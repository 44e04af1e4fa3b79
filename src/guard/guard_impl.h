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
#include "guard/request_images.h"
#include "policy/policy.h"
#include "policy/prompt.h"
#include "policy/verdict.h"
#include "text/tokenizer.h"

namespace gatehouse {

// A conversation on its way to the network.
struct PreparedRequest {
  Prompt prompt;
  RequestImages images;
  TokenisedPrompt tokens;  // the same in every round: an animation's frames are of one size
  double image_ms = 0;

  // f32 [tiles][3][size][size], of all images in order, in the first round.
  std::vector<float> Pixels() const;
};

// The encoder's vectors for one round of a request.
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
  // round: see RequestImages.
  Result<TokenInput> MakeInput(const PreparedRequest& request, RequestFeatures* features, double* vision_ms,
                               int round = 0);
  Result<Verdict> Classify(const Conversation& conversation, const ClassifyOptions& request,
                           std::vector<EncodedText>* texts = nullptr);

  static CategoryChoice ChoiceOf(const ClassifyOptions& request);

 private:
  // Scores, texts, tokens and times of one round.
  Result<Verdict> JudgeRound(const PreparedRequest& prepared, const ClassifyOptions& request, int round);
  Result<std::shared_ptr<const ImageFeatures>> FeaturesOf(const RequestImage::Frame& image);
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

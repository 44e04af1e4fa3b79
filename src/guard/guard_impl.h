// Guard::Impl: the parts of a loaded guard, and the steps from a conversation to a verdict. Inspection
// commands use the steps one by one.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "gatehouse/guard.h"
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
  std::vector<float> pixels;  // f32 [tiles][3][size][size], of all images in order
  int tiles = 0;
  TokenisedPrompt tokens;
  double image_ms = 0;
};

class Guard::Impl {
 public:
  GuardOptions options;
  std::string model_name;
  Policy policy;
  std::shared_ptr<const Tokenizer> tokenizer;
  std::unique_ptr<Engine> engine;

  // Renders, decodes and tiles, tokenises.
  Result<PreparedRequest> Prepare(const Conversation& conversation, const ClassifyOptions& request) const;
  // Ids and, for images, the encoder's vectors. features must live as long as the result.
  Result<TokenInput> MakeInput(const PreparedRequest& request, ImageFeatures* features, double* vision_ms);
  // A sequence that holds as much of the prompt's fixed beginning as is cached.
  Sequence Begin(const PreparedRequest& request);
  Result<Verdict> Classify(const Conversation& conversation, const ClassifyOptions& request);

  static CategoryChoice ChoiceOf(const ClassifyOptions& request);

 private:
  // The beginning of a prompt that does not depend on the messages, by its ids: one a role and category list.
  struct Prefix {
    Sequence sequence;
    uint64_t used = 0;  // when, counted in requests
  };
  void KeepPrefix(std::vector<int32_t> ids, const Sequence& sequence);

  std::map<std::vector<int32_t>, Prefix> prefixes_;
  uint64_t requests_ = 0;
  mutable FixedTextCache fixed_texts_;
  std::mutex mutex_;
};

}  // namespace gatehouse

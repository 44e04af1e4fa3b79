#include "guard/guard_impl.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/error.h"
#include "base/log.h"

namespace gatehouse {
namespace {

using Clock = std::chrono::steady_clock;
double MillisecondsSince(Clock::time_point begin) {
  return std::chrono::duration<double, std::milli>(Clock::now() - begin).count();
}

// Prefixes kept at once; with custom categories in every request those unused longest give way.
constexpr size_t kMaxPrefixes = 16;
constexpr int64_t kPatchesPerTile = 144;

// What Judge asks, answered by the engine: the first call reads the prompt with the asked continuations
// riding at its end, later ones continue from the cached prompt.
class EngineScorer : public NextTokenScorer {
 public:
  EngineScorer(Engine& engine, Sequence& sequence, const TokenInput& input)
      : engine_(engine), sequence_(sequence), input_(input) {}

  Result<std::vector<std::vector<float>>> Logits(std::span<const std::vector<int32_t>> paths) override {
    const Clock::time_point begin = Clock::now();
    auto out = engine_.Run(sequence_, input_, paths);
    (first_ ? prefill_ms : decode_ms) += MillisecondsSince(begin);
    first_ = false;
    return out;
  }

  double prefill_ms = 0;
  double decode_ms = 0;

 private:
  Engine& engine_;
  Sequence& sequence_;
  const TokenInput& input_;
  bool first_ = true;
};

}  // namespace

CategoryChoice Guard::Impl::ChoiceOf(const ClassifyOptions& request) {
  CategoryChoice choice;
  if (!request.categories.empty()) choice.custom = request.categories;
  if (!request.keys.empty()) choice.keys = request.keys;
  choice.exclude = request.exclude;
  return choice;
}

Result<PreparedRequest> Guard::Impl::Prepare(const Conversation& conversation,
                                             const ClassifyOptions& request) const {
  PreparedRequest out;
  GATEHOUSE_ASSIGN(out.prompt, RenderPrompt(policy, conversation, ChoiceOf(request)));
  if (out.prompt.images > 0 && !engine->can_see()) {
    return BadInput("this model cannot see images", "conversation",
                    "a model with a vision encoder, such as Llama Guard 4",
                    std::to_string(out.prompt.images) + " images for " + model_name);
  }
  if (out.prompt.images > options.max_images) {
    return BadInput("too many images", "conversation", "at most " + std::to_string(options.max_images),
                    std::to_string(out.prompt.images));
  }
  const Clock::time_point begin = Clock::now();
  DecodeOptions decode;
  decode.max_bytes = options.max_image_bytes;
  decode.max_pixels = options.max_image_pixels;
  decode.alpha = options.alpha_on_white ? AlphaMode::kWhite : AlphaMode::kDrop;
  decode.apply_exif = options.apply_exif;
  TileOptions tiling;
  if (engine->can_see()) tiling.tile = engine->vision()->tile_size();
  for (const Message& message : conversation.messages) {
    for (const Part& part : message.parts) {
      if (part.kind != Part::Kind::kImage) continue;
      if (part.image == nullptr)
        return BadInput("image without data", part.image_name, "an encoded image", "nothing");
      GATEHOUSE_ASSIGN(const RgbImage image, DecodeImage(*part.image, part.image_name, decode));
      GATEHOUSE_ASSIGN(const TileSet tiles, MakeTiles(image, tiling));
      out.grids.push_back({tiles.rows, tiles.cols});
      // Before memory for their pixels is taken: images alone may be more than a prompt can hold.
      const int64_t image_tokens = static_cast<int64_t>(out.tiles + tiles.tiles) * kPatchesPerTile;
      if (image_tokens > policy.max_prompt_tokens) {
        return BadInput("prompt too long", "conversation",
                        "at most " + std::to_string(policy.max_prompt_tokens) + " tokens",
                        "images of " + std::to_string(image_tokens) + " or more");
      }
      const size_t at = out.pixels.size();
      out.pixels.resize(at + tiles.levels.size());
      NormaliseTiles(tiles, std::span(out.pixels).subspan(at));
      out.tiles += tiles.tiles;
    }
  }
  if (!out.grids.empty()) out.image_ms = MillisecondsSince(begin);
  GATEHOUSE_ASSIGN(out.tokens, TokenisePrompt(out.prompt, *tokenizer, out.grids, &fixed_texts_));
  if (static_cast<int64_t>(out.tokens.ids.size()) > policy.max_prompt_tokens) {
    return BadInput("prompt too long", "conversation",
                    "at most " + std::to_string(policy.max_prompt_tokens) + " tokens",
                    std::to_string(out.tokens.ids.size()));
  }
  return out;
}

Result<TokenInput> Guard::Impl::MakeInput(const PreparedRequest& request, ImageFeatures* features,
                                          double* vision_ms) {
  TokenInput input;
  input.ids = request.tokens.ids;
  *vision_ms = 0;
  if (request.tiles == 0) return input;
  const Clock::time_point begin = Clock::now();
  GATEHOUSE_ASSIGN(*features, engine->EncodeTiles(request.pixels, request.tiles));
  *vision_ms = MillisecondsSince(begin);
  input.embeddings = features->rows;
  input.embedding_rows.assign(input.ids.size(), -1);
  const int32_t per_tile = engine->vision()->tokens_per_tile();
  int32_t row = 0;
  for (const ImageSpan& image : request.tokens.images) {
    for (const int32_t first : image.tile_starts) {
      for (int32_t i = 0; i < per_tile; ++i) input.embedding_rows[static_cast<size_t>(first + i)] = row++;
    }
  }
  return input;
}

Sequence Guard::Impl::Begin(const PreparedRequest& request) {
  const size_t size = static_cast<size_t>(request.tokens.prefix_tokens);
  if (size == 0 || size >= request.tokens.ids.size()) return engine->NewSequence();
  const std::vector<int32_t> prefix(request.tokens.ids.begin(),
                                    request.tokens.ids.begin() + static_cast<int64_t>(size));
  auto found = prefixes_.find(prefix);
  if (found == prefixes_.end()) return engine->NewSequence();
  found->second.used = ++requests_;
  return found->second.sequence.Fork();
}

void Guard::Impl::KeepPrefix(std::vector<int32_t> ids, const Sequence& sequence) {
  if (prefixes_.size() >= kMaxPrefixes) {
    prefixes_.erase(std::min_element(prefixes_.begin(), prefixes_.end(), [](const auto& a, const auto& b) {
      return a.second.used < b.second.used;
    }));
  }
  prefixes_.emplace(std::move(ids), Prefix{sequence.Fork(), ++requests_});
}

Result<Verdict> Guard::Impl::Classify(const Conversation& conversation, const ClassifyOptions& request) {
  const Clock::time_point begin = Clock::now();
  std::lock_guard lock(mutex_);
  GATEHOUSE_ASSIGN(const PreparedRequest prepared, Prepare(conversation, request));
  JudgeOptions judge;
  judge.replace_threshold = request.replace_threshold;
  judge.threshold = request.threshold;
  judge.category_thresholds = request.category_thresholds;
  judge.raw_output = request.raw_output;
  judge.greedy_decision = request.greedy_decision;
  GATEHOUSE_TRY(CheckThresholdKeys(policy, prepared.prompt.categories, judge));
  ImageFeatures features;
  double vision_ms = 0;
  GATEHOUSE_ASSIGN(const TokenInput input, MakeInput(prepared, &features, &vision_ms));

  Sequence sequence = Begin(prepared);
  const int32_t cached = sequence.length();
  const size_t prefix_size = static_cast<size_t>(prepared.tokens.prefix_tokens);
  double prefix_ms = 0;
  if (cached == 0 && prefix_size > 0 && prefix_size < input.ids.size()) {
    // First of its kind: compute the fixed beginning by itself and keep it. Pages make this exact: see
    // backend.h.
    const Clock::time_point start = Clock::now();
    TokenInput prefix;
    prefix.ids.assign(input.ids.begin(), input.ids.begin() + static_cast<int64_t>(prefix_size));
    GATEHOUSE_TRY(engine->Run(sequence, prefix, {}));
    prefix_ms = MillisecondsSince(start);
    KeepPrefix(std::move(prefix.ids), sequence);
  }

  EngineScorer scorer(*engine, sequence, input);
  GATEHOUSE_ASSIGN(Verdict verdict, Judge(policy, *tokenizer, prepared.prompt.categories, scorer, judge));
  verdict.role = prepared.prompt.judged;
  verdict.model = model_name;
  verdict.policy = policy.name;
  verdict.usage.prompt_tokens = static_cast<int>(input.ids.size());
  verdict.usage.cached_tokens = cached;
  verdict.usage.images = static_cast<int>(prepared.grids.size());
  verdict.usage.image_tokens = static_cast<int>(std::count_if(
      input.embedding_rows.begin(), input.embedding_rows.end(), [](int32_t row) { return row >= 0; }));
  verdict.timings.image = prepared.image_ms;
  verdict.timings.vision = vision_ms;
  verdict.timings.prefill = prefix_ms + scorer.prefill_ms;
  verdict.timings.decode = scorer.decode_ms;
  verdict.timings.total = MillisecondsSince(begin);
  if (LogEnabled(LogLevel::kDebug)) {
    // Never what people wrote, nor the verdict's text: a log is kept longer and read by more than an answer.
    Log(LogLevel::kDebug, "classified " + std::to_string(verdict.usage.prompt_tokens) + " tokens (" +
                              std::to_string(cached) + " cached, " + std::to_string(prepared.tiles) +
                              " tiles) in " + std::to_string(verdict.timings.total) + " ms");
  }
  return verdict;
}

}  // namespace gatehouse

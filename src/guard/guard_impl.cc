#include "guard/guard_impl.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/error.h"
#include "base/log.h"
#include "policy/judgement.h"
#include "policy/worst_verdict.h"

namespace gatehouse {
namespace {

using Clock = std::chrono::steady_clock;
double MillisecondsSince(Clock::time_point begin) {
  return std::chrono::duration<double, std::milli>(Clock::now() - begin).count();
}

}  // namespace

CategoryChoice Guard::Impl::ChoiceOf(const ClassifyOptions& request) {
  CategoryChoice choice;
  if (!request.categories.empty()) choice.custom = request.categories;
  if (!request.keys.empty()) choice.keys = request.keys;
  choice.exclude = request.exclude;
  return choice;
}

Result<PreparedRequest> Guard::Impl::Prepare(const Conversation& conversation, const ClassifyOptions& request,
                                             std::vector<EncodedText>* texts) const {
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
  TileOptions tiling;
  if (engine->can_see()) tiling.tile = engine->vision()->tile_size();
  GATEHOUSE_ASSIGN(out.images, ReadImages(conversation, options, tiling, policy.max_prompt_tokens));
  if (!out.images.list.empty()) out.image_ms = MillisecondsSince(begin);
  GATEHOUSE_ASSIGN(out.tokens, TokenisePrompt(out.prompt, *tokenizer, out.images.grids, &fixed_texts_,
                                              static_cast<int>(kPatchesPerTile), texts));
  if (static_cast<int64_t>(out.tokens.ids.size()) > policy.max_prompt_tokens) {
    return BadInput("prompt too long", "conversation",
                    "at most " + std::to_string(policy.max_prompt_tokens) + " tokens",
                    std::to_string(out.tokens.ids.size()));
  }
  return out;
}

std::vector<float> PreparedRequest::Pixels() const {
  std::vector<float> out;
  for (const RequestImage& image : images.list) {
    const TileSet& tiles = image.At(0).tiles;
    const size_t at = out.size();
    out.resize(at + tiles.levels.size());
    NormaliseTiles(tiles, std::span(out).subspan(at));
  }
  return out;
}

Result<std::shared_ptr<const ImageFeatures>> Guard::Impl::FeaturesOf(const RequestImage::Frame& image) {
  if (auto known = features_.Find(image.digest)) return known;
  std::vector<float> pixels(image.tiles.levels.size());
  NormaliseTiles(image.tiles, pixels);
  GATEHOUSE_ASSIGN(ImageFeatures encoded, engine->EncodeTiles(pixels, image.tiles.tiles));
  auto features = std::make_shared<const ImageFeatures>(std::move(encoded));
  features_.Insert(image.digest, features);
  return features;
}

Result<TokenInput> Guard::Impl::MakeInput(const PreparedRequest& request, RequestFeatures* features,
                                          double* vision_ms, int round) {
  TokenInput input;
  input.ids = request.tokens.ids;
  *vision_ms = 0;
  if (request.images.tiles == 0) return input;
  const Clock::time_point begin = Clock::now();
  for (const RequestImage& image : request.images.list) {
    GATEHOUSE_ASSIGN(auto encoded, FeaturesOf(image.At(round)));
    features->images.push_back(std::move(encoded));
  }
  if (features->images.size() == 1) {
    input.embeddings = features->images[0]->rows;
  } else {
    GATEHOUSE_ASSIGN(features->joined, engine->Join(features->images));
    input.embeddings = features->joined.rows;
  }
  *vision_ms = MillisecondsSince(begin);

  input.embedding_rows.assign(input.ids.size(), -1);
  input.image_marks.assign(input.ids.size(), 0);
  const int32_t per_tile = engine->vision()->tokens_per_tile();
  int32_t row = 0;
  for (size_t i = 0; i < request.tokens.images.size(); ++i) {
    // Sixty bits of the digest, and the row: the same only for the same row of the same pixels.
    const uint64_t digest = std::stoull(request.images.list[i].At(round).digest.substr(0, 15), nullptr, 16);
    uint64_t row_of_image = 0;
    for (const int32_t start : request.tokens.images[i].tile_starts) {
      for (int32_t j = 0; j < per_tile; ++j) {
        const size_t at = static_cast<size_t>(start + j);
        input.embedding_rows[at] = row++;
        input.image_marks[at] = (digest * 0x9E3779B97F4A7C15u + row_of_image++) | 1;
      }
    }
  }
  return input;
}

Result<Sequence> Guard::Impl::Begin(const PreparedRequest& request, const TokenInput& input,
                                    const RunLimits& limits, bool pin, int32_t* cached) {
  const int32_t total = static_cast<int32_t>(input.ids.size());
  // The last token is always computed: its logits are asked for.
  Sequence sequence = engine->prefixes().Find(input, total - 1);
  *cached = sequence.length();
  const int32_t fixed = std::min(request.tokens.prefix_tokens, total - 1);
  if (sequence.length() >= fixed) return sequence;

  std::lock_guard lock(prefix_mutex_);
  sequence = engine->prefixes().Find(input, total - 1);
  *cached = sequence.length();
  if (sequence.length() >= fixed) return sequence;
  TokenInput prefix;  // of text alone: images belong to messages
  prefix.ids.assign(input.ids.begin(), input.ids.begin() + fixed);
  GATEHOUSE_TRY(engine->Run(sequence, prefix, {}, nullptr, limits));
  engine->prefixes().Insert(prefix, fixed, sequence, pin ? fixed : 0);
  return sequence;
}

Result<Verdict> Guard::Impl::JudgeRound(const PreparedRequest& prepared, const ClassifyOptions& request,
                                        int round) {
  JudgeOptions judge;
  judge.replace_threshold = request.replace_threshold;
  judge.threshold = request.threshold;
  judge.category_thresholds = request.category_thresholds;
  judge.raw_output = request.raw_output;
  judge.greedy_decision = request.greedy_decision;
  GATEHOUSE_ASSIGN(const std::unique_ptr<Judgement> judgement,
                   Judgement::Begin(policy, *tokenizer, prepared.prompt.categories, judge));
  RequestFeatures features;
  double vision_ms = 0;
  GATEHOUSE_ASSIGN(const TokenInput input, MakeInput(prepared, &features, &vision_ms, round));
  const RunLimits limits{request.deadline, request.cancelled};

  const Clock::time_point start = Clock::now();
  int32_t cached = 0;
  // The policy's own lists stay; whoever asks with lists of his own shares the rest.
  const bool pin = request.categories.empty() && request.keys.empty() && request.exclude.empty();
  GATEHOUSE_ASSIGN(Sequence sequence, Begin(prepared, input, limits, pin, &cached));
  const double prefix_ms = MillisecondsSince(start);

  double prefill_ms = -1, decode_ms = 0;
  // The first pass reads the prompt with the questions riding at its end, later ones continue from there.
  while (!judgement->done()) {
    const Clock::time_point asked = Clock::now();
    GATEHOUSE_ASSIGN(const NextTokens answers, engine->Ask(sequence, input, judgement->wanted(), limits));
    if (prefill_ms < 0) {
      prefill_ms = MillisecondsSince(asked);
    } else {
      decode_ms += MillisecondsSince(asked);
    }
    GATEHOUSE_TRY(judgement->Tell(answers));
  }
  Verdict verdict = std::move(judgement->verdict());
  engine->prefixes().Insert(input, static_cast<int32_t>(input.ids.size()), sequence, 0);
  verdict.usage.prompt_tokens = static_cast<int>(input.ids.size());
  verdict.usage.cached_tokens = cached;
  verdict.usage.image_tokens = static_cast<int>(std::count_if(
      input.embedding_rows.begin(), input.embedding_rows.end(), [](int32_t row) { return row >= 0; }));
  verdict.timings.vision = vision_ms;
  verdict.timings.prefill = prefix_ms + prefill_ms;
  verdict.timings.decode = decode_ms;
  return verdict;
}

Result<Verdict> Guard::Impl::Classify(const Conversation& conversation, const ClassifyOptions& request,
                                      std::vector<EncodedText>* texts) {
  const Clock::time_point begin = Clock::now();
  GATEHOUSE_ASSIGN(const PreparedRequest prepared, Prepare(conversation, request, texts));
  const int rounds = prepared.images.rounds();
  std::vector<Verdict> verdicts;
  for (int round = 0; round < rounds; ++round) {
    GATEHOUSE_ASSIGN(Verdict one, JudgeRound(prepared, request, round));
    verdicts.push_back(std::move(one));
  }
  Verdict verdict = WorstOf(policy.verdict, std::move(verdicts));
  verdict.role = prepared.prompt.judged;
  verdict.model = model_name;
  verdict.policy = policy.name;
  verdict.usage.images = static_cast<int>(prepared.images.list.size());
  verdict.usage.frames = prepared.images.animated ? rounds : 0;
  verdict.timings.image = prepared.image_ms;
  verdict.timings.total = MillisecondsSince(begin);
  if (LogEnabled(LogLevel::kDebug)) {
    // Never what people wrote, nor the verdict's text: a log is kept longer and read by more than an answer.
    Log(LogLevel::kDebug, "classified " + std::to_string(verdict.usage.prompt_tokens) + " tokens (" +
                              std::to_string(verdict.usage.cached_tokens) + " cached, " +
                              std::to_string(prepared.images.tiles) + " tiles) in " +
                              std::to_string(verdict.timings.total) + " ms");
  }
  return verdict;
}

}  // namespace gatehouse

#include "guard/guard_impl.h"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "base/elapsed.h"
#include "base/error.h"
#include "guard/awaited_verdict.h"
#include "guard/estimated_cost.h"
#include "guard/judging.h"
#include "policy/verdict.h"

namespace gatehouse {
namespace {

// Pictures are decoded side by side; texts take microseconds.
constexpr int kPreparingThreads = 2;

}  // namespace

// Nobody prepares for an engine that has gone, and everybody is told.
Guard::Impl::~Impl() {
  if (preparing_ != nullptr) preparing_->Stop(/*all=*/false);
  if (engine != nullptr) engine->Close();
  if (judging_ != nullptr) judging_->Stop(/*all=*/true);
  if (link_ != nullptr) link_->Cut();
  own_policy_ = nullptr;
  preparing_ = nullptr;
}

Result<void> Guard::Impl::Start(Policy own) {
  link_ = std::make_shared<EngineLink>(engine.get());
  GATEHOUSE_ASSIGN(own_policy_, Load(std::move(own)));
  preparing_ = std::make_unique<Workers>(kPreparingThreads);
  judging_ = std::make_unique<Workers>(1);
  return {};
}

Result<PolicyHandle> Guard::Impl::Load(Policy policy) const {
  GATEHOUSE_TRY(CheckPolicy(policy, *tokenizer));
  return PolicyHandle(std::make_shared<const LoadedPolicy>(std::move(policy), link_));
}

PolicyHandle Guard::Impl::own_policy() const {
  std::lock_guard lock(policy_mutex_);
  return own_policy_;
}

void Guard::Impl::UsePolicy(PolicyHandle policy) {
  std::lock_guard lock(policy_mutex_);
  own_policy_.swap(policy);
}

std::shared_ptr<WorkLane> Guard::Impl::LaneOf(const std::string& tenant) {
  std::lock_guard lock(lanes_mutex_);
  if (lanes_.size() >= lanes_before_looking_) {
    std::erase_if(lanes_, [](const auto& entry) { return entry.second.expired(); });
    lanes_before_looking_ = 2 * lanes_.size() + 16;
  }
  std::weak_ptr<WorkLane>& known = lanes_[tenant];
  std::shared_ptr<WorkLane> lane = known.lock();
  if (lane == nullptr) known = lane = std::make_shared<WorkLane>();
  return lane;
}

CategoryChoice Guard::Impl::ChoiceOf(const ClassifyOptions& request) {
  CategoryChoice choice;
  if (!request.categories.empty()) choice.custom = request.categories;
  if (!request.keys.empty()) choice.keys = request.keys;
  choice.exclude = request.exclude;
  return choice;
}

std::vector<int32_t> Guard::Impl::Encode(std::string_view text) const { return tokenizer->Encode(text); }

int64_t Guard::Impl::LongestPrompt(const LoadedPolicy& policy, const ClassifyOptions& request) {
  const int64_t longest = policy.policy.max_prompt_tokens;
  return request.max_prompt_tokens > 0 ? std::min(longest, request.max_prompt_tokens) : longest;
}

Result<PreparedRequest> Guard::Impl::Prepare(const LoadedPolicy& loaded, const Conversation& conversation,
                                             const ClassifyOptions& request, const RequestContext& how,
                                             bool may_be_cut, const std::atomic<bool>* stopped) const {
  const Policy& policy = loaded.policy;
  const int64_t longest = LongestPrompt(loaded, request);
  StreamMemory* memory = how.memory.get();
  PreparedRequest out;
  CategoryChoice choice = ChoiceOf(request);
  if (how.window) choice.any_image = how.window->any_image;
  GATEHOUSE_ASSIGN(out.prompt, RenderPrompt(policy, conversation, choice));
  if (out.prompt.images > 0 && !engine->can_see()) {
    return BadInput("this model cannot see images", "conversation",
                    "a model with a vision encoder, such as Llama Guard 4",
                    std::to_string(out.prompt.images) + " images for " + model_name);
  }
  if (out.prompt.images > options.max_images) {
    return BadInput("too many images", "conversation", "at most " + std::to_string(options.max_images),
                    std::to_string(out.prompt.images));
  }
  std::unique_lock<std::mutex> lock;
  if (memory != nullptr) lock = std::unique_lock(memory->mutex);
  if (how.window) {
    out.images = how.window->images;
  } else if (memory != nullptr && memory->images != nullptr) {
    out.images = memory->images;
  } else {
    const Clock::time_point begin = Clock::now();
    TileOptions tiling;
    int tokens_per_tile = 1;
    if (engine->can_see()) {
      tiling.tile = engine->vision()->tile_size();
      tokens_per_tile = engine->vision()->tokens_per_tile();
    }
    // Of one that may be cut, pictures before the last message may go.
    GATEHOUSE_ASSIGN(RequestImages images, ReadImages(conversation, options, tiling, tokens_per_tile,
                                                      may_be_cut ? INT64_MAX : longest, stopped));
    if (!images.list.empty()) {
      out.image_ms = MillisecondsSince(begin);
    }
    out.images = std::make_shared<const RequestImages>(std::move(images));
    if (memory != nullptr) memory->images = out.images;
  }
  const int patches = engine->can_see() ? engine->vision()->tokens_per_tile() : 1;
  GATEHOUSE_ASSIGN(out.tokens,
                   TokenisePrompt(out.prompt, *tokenizer, out.images->grids, &loaded.fixed_texts(), patches,
                                  memory == nullptr ? nullptr : &memory->texts));
  out.is_long = static_cast<int64_t>(out.tokens.ids.size()) > longest;
  if (out.is_long && !may_be_cut) {
    return BadInput("prompt too long", "conversation", "at most " + std::to_string(longest) + " tokens",
                    std::to_string(out.tokens.ids.size()));
  }
  return out;
}

std::vector<float> PreparedRequest::Pixels() const {
  std::vector<float> out;
  for (const RequestImage& image : images->list) {
    const TileSet& tiles = image.At(0).tiles;
    const size_t at = out.size();
    out.resize(at + tiles.levels.size());
    NormaliseTiles(tiles, std::span(out).subspan(at));
  }
  return out;
}

TokenInput Guard::Impl::InputOf(const PreparedRequest& request, int round) const {
  TokenInput input;
  input.ids = request.tokens.ids;
  if (request.images->tiles == 0) return input;
  input.embedding_rows.assign(input.ids.size(), -1);
  const int32_t per_tile = engine->vision()->tokens_per_tile();
  int32_t row = 0;
  for (size_t i = 0; i < request.tokens.images.size(); ++i) {
    input.pictures.push_back({request.images->list[i].At(round).digest, row});
    for (const int32_t start : request.tokens.images[i].tile_starts) {
      for (int32_t j = 0; j < per_tile; ++j) input.embedding_rows[static_cast<size_t>(start + j)] = row++;
    }
  }
  return input;
}

std::optional<Error> Guard::Impl::Refusal(
    const std::string& tenant, std::optional<std::chrono::steady_clock::time_point> deadline) const {
  return engine->Refusal(tenant, kLeastEstimatedCost, deadline);
}

Result<Request> Guard::Impl::Submit(Conversation conversation, ClassifyOptions request, Done done,
                                    RequestContext how) {
  const auto deadline = how.refuse_late ? request.deadline : std::nullopt;
  GATEHOUSE_ASSIGN(Ticket ticket, engine->Admit(request.tenant, EstimatedCost(conversation), deadline));
  const auto judging = std::make_shared<Judging>(*this, std::move(conversation), std::move(request),
                                                 std::move(done), std::move(how));
  judging->ticket = std::move(ticket);
  auto handle = std::make_shared<Request::Impl>();
  handle->judging = judging;
  judging->Begin();
  return Request(std::move(handle));
}

Result<Verdict> Guard::Impl::Classify(Conversation conversation, ClassifyOptions request,
                                      RequestContext how) {
  const auto awaited = std::make_shared<AwaitedVerdict>();
  GATEHOUSE_TRY(
      Submit(std::move(conversation), std::move(request), AwaitedVerdict::Done(awaited), std::move(how)));
  return awaited->Take();
}

}  // namespace gatehouse

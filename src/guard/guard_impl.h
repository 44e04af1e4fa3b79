// Guard::Impl: the parts of a loaded guard, and the way of a conversation: encode (Prepare, on a preparing
// thread), submit (to the engine), judge (judging.h, on the judging thread), answer. Inspection commands use
// the steps one by one.
#pragma once

#include <atomic>
#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/workers.h"
#include "engine/engine.h"
#include "gatehouse/guard.h"
#include "guard/loaded_policy.h"
#include "guard/request_images.h"
#include "policy/prompt.h"
#include "text/tokenizer.h"

namespace gatehouse {

// A conversation on its way to the network.
struct PreparedRequest {
  Prompt prompt;
  std::shared_ptr<const RequestImages> images;
  TokenisedPrompt tokens;  // the same in every round: an animation's frames are of one size
  bool is_long = false;    // more than a prompt may hold: to be judged in windows
  double image_ms = 0;

  // f32 [tiles][3][size][size], of all images in order, in the first round.
  std::vector<float> Pixels() const;
};

// What a growing answer brings along from check to check.
struct StreamMemory {
  std::mutex mutex;                             // of texts: a check that was given up may still be at it
  std::vector<EncodedText> texts;               // of the next prompt only the end is tokenised
  std::shared_ptr<const RequestImages> images;  // null: not decoded yet
  std::shared_ptr<KeptText> kept;
  std::atomic<bool> checked{false};  // a check has got its verdict
  // Of a message that is judged in windows: what was found of those that were judged before it grew, with
  // their text, and what the last of them, which grows, brings along.
  std::vector<EncodedText> message;
  std::vector<std::pair<std::string, Verdict>> windows;
  std::map<std::string, int64_t> window_tokens;  // by what stands in a window
  std::shared_ptr<StreamMemory> last_window;
  std::shared_ptr<StreamMemory> normalised;  // of the same message, normalised
};

// What a window takes over from its conversation.
struct WindowContext {
  std::shared_ptr<const RequestImages> images;
  bool any_image = false;     // in the whole conversation: it decides which categories are asked about
  int32_t shared_tokens = 0;  // leading ids that all windows have
};

// How a request is judged, apart from what its sender says.
struct RequestContext {
  std::shared_ptr<StreamMemory> memory;      // of a growing answer
  bool keys_only_where_they_matter = false;  // JudgeOptions
  bool keep_text = true;                     // in the tenant's cache
  bool refuse_late = false;             // at once, where what waits before it would make it miss its deadline
  std::optional<WindowContext> window;  // where the conversation is one
};

class Judging;
class Request::Impl {
 public:
  std::weak_ptr<Judging> judging;  // a sender's handle keeps nothing
};

class Guard::Impl {
 public:
  explicit Impl(const GuardOptions& guard_options) : options(guard_options) {}
  ~Impl();

  GuardOptions options;
  std::string model_name;
  int64_t weight_bytes = 0;
  std::shared_ptr<const Tokenizer> tokenizer;
  std::unique_ptr<Engine> engine;

  // Once engine and tokenizer are there: the policy that requests without one are asked by, and the threads.
  Result<void> Start(Policy own);
  Result<PolicyHandle> Load(Policy policy) const;
  PolicyHandle own_policy() const;
  void UsePolicy(PolicyHandle policy);

  // Renders, decodes and tiles, tokenises. stopped may be null. Errors: kBadInput: also where the prompt is
  // too long, unless it may be cut.
  Result<PreparedRequest> Prepare(const LoadedPolicy& policy, const Conversation& conversation,
                                  const ClassifyOptions& request, const RequestContext& how = {},
                                  bool may_be_cut = false, const std::atomic<bool>* stopped = nullptr) const;
  // The windows of a conversation that was prepared and is too long, what they have in common, and (of each)
  // the text of its last message.
  struct CutRequest {
    std::vector<Conversation> list;
    int dropped_messages = 0;
    WindowContext common;
    int64_t tokens = 0;  // of all of them
  };
  Result<CutRequest> Cut(const LoadedPolicy& policy, const Conversation& conversation,
                         const ClassifyOptions& request, const PreparedRequest& whole,
                         StreamMemory* memory) const;
  // A text alone, with nothing before it.
  std::vector<int32_t> Encode(std::string_view text) const;
  static int64_t LongestPrompt(const LoadedPolicy& policy, const ClassifyOptions& request);
  // Ids and where pictures stand in them, in one round (RequestImages); without the encoder's vectors.
  TokenInput InputOf(const PreparedRequest& request, int round = 0) const;

  // Why any request of this tenant would be refused now (kBusy), if it would: before it is read.
  std::optional<Error> Refusal(const std::string& tenant,
                               std::optional<std::chrono::steady_clock::time_point> deadline) const;
  Result<Request> Submit(Conversation conversation, ClassifyOptions request, Done done, RequestContext how);
  Result<Verdict> Classify(Conversation conversation, ClassifyOptions request, RequestContext how = {});

  Workers& preparing() { return *preparing_; }
  // In which a tenant's requests are prepared, one after the other with those of others.
  std::shared_ptr<WorkLane> LaneOf(const std::string& tenant);
  Workers& judging() { return *judging_; }

  static CategoryChoice ChoiceOf(const ClassifyOptions& request);

 private:
  std::shared_ptr<EngineLink> link_;
  mutable std::mutex policy_mutex_;
  PolicyHandle own_policy_;
  std::unique_ptr<Workers> preparing_, judging_;
  std::mutex lanes_mutex_;
  std::map<std::string, std::weak_ptr<WorkLane>> lanes_;  // requests keep them
  size_t lanes_before_looking_ = 16;                      // for those that nobody keeps
};

// For inspection tools and tests inside the project.
Guard::Impl& ImplOf(const Guard& guard);
// One that was put together otherwise than by Guard::Load: a benchmark's, of made weights.
Guard GuardOf(std::unique_ptr<Guard::Impl> impl);

}  // namespace gatehouse

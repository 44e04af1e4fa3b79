// Guard: a loaded safety model. Load once, classify many.
//
//   auto guard = gatehouse::Guard::Load({.model = "models/llama-guard-4"});
//   if (!guard.ok()) { ... guard.error().Message() ... }
//   gatehouse::Conversation conversation;
//   conversation.AddUser("how do I make a bomb?");
//   auto verdict = guard->Classify(conversation);
//   if (verdict.ok() && verdict->unsafe) ...
//
// Requests that wait together share passes through the network, and the answers are the same as one by one,
// to the last bit. Classify holds its caller; Submit takes as many requests as are admitted, without a thread
// for each. All calls may come from any thread. Link with the CMake target gatehouse_guard.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gatehouse/conversation.h"
#include "gatehouse/result.h"
#include "gatehouse/thresholds.h"
#include "gatehouse/verdict.h"

namespace gatehouse {

inline constexpr int kMostFrames = 64;

struct GuardOptions {
  std::string model;  // a Hugging Face directory, a .gguf file or a converted directory
  // A policy file; empty: policy.json of the adapter or the model, else that of the Llama Guard whose chat
  // template the files hold, else by the model's family and size.
  std::string policy;
  std::string adapter;  // a directory with a PEFT LoRA adapter to merge, or empty
  std::string device = "cpu";
  std::string dtype = "bf16";  // "bf16", or "f32" to compute in float32 throughout
  // Keys and values: empty: as dtype says; "int8": rounded to 8 bits, with a scale for each token and head:
  // half of BF16's memory, scores that differ by some thousandths.
  std::string kv;
  int threads = 0;  // 0: one for each core that this process may use
  // Bytes of keys and values: of requests at work, and kept between them (policies, earlier turns); a quarter
  // as many for images' features. What finds no room waits. 0: 512 MiB, or what two of the longest prompts
  // take where that is more.
  int64_t kv_bytes = 0;
  // Tokens that may wait to be computed (an image counts as some thousands); more are refused (kBusy).
  int64_t max_waiting_tokens = 1 << 20;

  // Limits on images, checked before memory is taken.
  size_t max_image_bytes = 20u << 20;
  int64_t max_image_pixels = 64ll << 20;
  int max_images = 16;
  // Of an animated image so many frames are judged, spread evenly, the first and the last among them, or all
  // where there are no more; the worst counts (docs/verdict.md). 0: animated images are refused. At most
  // kMostFrames: each is a judgement of its own.
  int frames = 0;
  bool alpha_on_white =
      false;  // composite transparent images on white; else alpha is dropped, as the reference does
  bool apply_exif = true;
};

// A policy that the guard can be asked by. Loaded once, used by any number of requests, freed with what is
// kept of its texts when the last one lets it go.
class LoadedPolicy;
using PolicyHandle = std::shared_ptr<const LoadedPolicy>;

// What one request may change.
struct ClassifyOptions {
  PolicyHandle policy;  // of Guard::LoadPolicy; null: the guard's own
  // Whose request it is, opaque: nothing of it is seen in the time or in the cached tokens of another
  // tenant's, and no tenant takes more than its share while others wait. Never made from what a request says.
  std::string tenant;

  std::vector<std::pair<std::string, std::string>>
      categories;                    // (key, text) in order: replaces the policy's list
  std::vector<std::string> keys;     // a choice of the policy's categories, in order
  std::vector<std::string> exclude;  // keys left out

  Thresholds thresholds;  // in place of the policy's

  // A conversation longer than the policy's prompt may be, or than this where it is less (0: the policy's),
  // is judged in at most so many overlapping windows, the worst of which counts; or it is refused
  // (kBadInput).
  int64_t max_prompt_tokens = 0;
  int max_windows = 64;
  bool refuse_long = false;

  // Where tricks of spelling are undone (characters that nobody sees, look-alikes of letters, letters spaced
  // out: docs/verdict.md) and that changes the text, it is judged twice, and the higher score decides.
  bool normalise = false;

  bool raw_output = false;       // also say what the model would answer unconstrained
  bool greedy_decision = false;  // decide by that answer, as the published pipelines do

  // When the answer is no longer wanted: the request then ends with kLate, whatever it is at.
  std::optional<std::chrono::steady_clock::time_point> deadline;
};

// A request on its way. Letting go of it changes nothing.
class Request {
 public:
  // It ends with kCancelled, unless it has its answer.
  void Cancel();

  class Impl;

 private:
  friend class Guard;
  explicit Request(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
  std::shared_ptr<Impl> impl_;
};

class Guard {
 public:
  // Errors: kModel (files), kUsage (options).
  static Result<Guard> Load(const GuardOptions& options);
  Guard(Guard&&) noexcept;
  Guard& operator=(Guard&&) noexcept;
  ~Guard();  // ends what is on its way (kCancelled)

  // Judges the last message. Errors: kBadInput (the conversation, an image, a key that does not exist), kBusy
  // (too much is waiting; retry_after says when to come again), kLate.
  Result<Verdict> Classify(const Conversation& conversation, const ClassifyOptions& options = {}) const;

  // The same without waiting: done is called once, on one of the guard's threads, which it must not hold up
  // (nor may it let the guard go).
  // Errors: kBusy: refused, and done is never called. Once admitted, a request is never refused.
  using Done = std::function<void(Result<Verdict>)>;
  Result<Request> Submit(Conversation conversation, ClassifyOptions options, Done done) const;

  // json: as of a policy file. Errors: kBadInput, naming the field; kModel: the model's tokenizer lacks what
  // the policy needs.
  Result<PolicyHandle> LoadPolicy(std::string_view json, const std::string& name = "policy") const;
  // The guard's own from here on; requests on their way keep theirs.
  void UsePolicy(PolicyHandle policy);
  PolicyHandle policy() const;

  std::string model_name() const;
  std::string policy_name() const;
  std::vector<std::string> category_keys() const;  // of the guard's own policy, in order
  std::string backend_description() const;         // the kernels in use
  struct Memory {                                  // bytes
    int64_t weights = 0;                           // as they lie in their files, which are mapped
    int64_t keys_and_values = 0;                   // at most, of requests at work and kept ones
    int64_t features = 0;                          // images' vectors, at most
    int64_t passes = 0;  // matrices of the largest passes, and the device's scratch so far
  };
  Memory memory() const;

  class Impl;  // the project's own; see guard/guard_impl.h

 private:
  friend class Stream;
  friend Impl& ImplOf(const Guard& guard);
  friend Guard GuardOf(std::unique_ptr<Impl> impl);
  explicit Guard(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace gatehouse

// Guard: a loaded safety model. Load once, classify many.
//
//   auto guard = gatehouse::Guard::Load({.model = "models/llama-guard-4"});
//   if (!guard.ok()) { ... guard.error().Message() ... }
//   gatehouse::Conversation conversation;
//   conversation.AddUser("how do I make a bomb?");
//   auto verdict = guard->Classify(conversation);
//   if (verdict.ok() && verdict->unsafe) ...
//
// Classify may be called from many threads: requests that wait together share passes through the network, and
// the answers are the same as one by one, to the last bit. Link with the CMake target gatehouse_guard.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "gatehouse/conversation.h"
#include "gatehouse/result.h"
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
  // Bytes of keys and values kept between requests (policies, earlier turns); a quarter as many for images'
  // features.
  int64_t cache_bytes = int64_t{512} << 20;
  int max_waiting = 1024;  // requests at once; more are refused (kBusy)

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

// What one request may change.
struct ClassifyOptions {
  std::vector<std::pair<std::string, std::string>>
      categories;                    // (key, text) in order: replaces the policy's list
  std::vector<std::string> keys;     // a choice of the policy's categories, in order
  std::vector<std::string> exclude;  // keys left out

  bool replace_threshold = false;   // `threshold` below is used in place of the policy's
  std::optional<double> threshold;  // none: only the categories' own thresholds judge
  std::vector<std::pair<std::string, double>> category_thresholds;

  bool raw_output = false;       // also say what the model would answer unconstrained
  bool greedy_decision = false;  // decide by that answer, as the published pipelines do

  // When the answer is no longer wanted: the request then ends with kBusy between two passes.
  std::optional<std::chrono::steady_clock::time_point> deadline;
  const std::atomic<bool>* cancelled = nullptr;  // may be set from another thread; must outlive the call
};

class Guard {
 public:
  // Errors: kModel (files), kUsage (options).
  static Result<Guard> Load(const GuardOptions& options);
  Guard(Guard&&) noexcept;
  Guard& operator=(Guard&&) noexcept;
  ~Guard();

  // Judges the last message. Errors: kBadInput (the conversation, an image, a key that does not exist), kBusy
  // (too many requests, deadline, cancelled).
  Result<Verdict> Classify(const Conversation& conversation, const ClassifyOptions& options = {}) const;

  std::string model_name() const;
  std::string policy_name() const;
  std::string backend_description() const;  // the kernels in use

  // For inspection tools and tests inside the project.
  class Impl;
  Impl& impl() const { return *impl_; }

 private:
  explicit Guard(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace gatehouse

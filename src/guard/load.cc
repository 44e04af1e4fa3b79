#include "guard/load.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "backend/create.h"
#include "base/error.h"
#include "base/log.h"
#include "checkpoint/weights.h"
#include "formats/tokenizer_binary.h"
#include "formats/tokenizer_json.h"
#include "formats/tokenizer_model.h"
#include "guard/tokenizer_of.h"
#include "policy/verdict.h"

namespace gatehouse {
namespace {

constexpr int64_t kLeastKvBytes = int64_t{512} << 20;
constexpr int32_t kTokensBehind = 256;  // what is asked behind a prompt, and a page that is copied

std::string BaseName(std::string path) {
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  return path.substr(path.rfind('/') + 1);
}

}  // namespace

Result<std::unique_ptr<Guard::Impl>> LoadGuard(const GuardOptions& options) {
  GATEHOUSE_TRY(CheckDevice(options.device));
  if (options.dtype != "bf16" && options.dtype != "f32")
    return UsageError("unknown dtype", "dtype", "bf16 or f32", options.dtype);
  if (!options.kv.empty() && options.kv != "int8")
    return UsageError("unknown type of keys and values", "kv", "int8, or nothing", options.kv);
  if (options.frames < 0 || options.frames > kMostFrames) {
    return UsageError("impossible number of frames", "frames", "0 to " + std::to_string(kMostFrames),
                      std::to_string(options.frames));
  }
  if (options.model.empty()) return UsageError("no model", "model", "a directory or a .gguf file", "nothing");
  const auto begin = std::chrono::steady_clock::now();
  auto impl = std::make_unique<Guard::Impl>(options);
  impl->model_name = BaseName(options.model);

  GATEHOUSE_ASSIGN(const std::unique_ptr<Checkpoint> checkpoint,
                   Checkpoint::Open(options.model, options.adapter));
  const ModelConfig& config = checkpoint->config();
  for (const auto& [name, stored] : checkpoint->stored())
    impl->weight_bytes += stored.tensor.bytes() + (stored.scales.data != nullptr ? stored.scales.bytes() : 0);
  GATEHOUSE_ASSIGN(impl->tokenizer, TokenizerOf(*checkpoint));
  if (impl->tokenizer->vocab_size() > config.vocab) {
    return ModelError("tokenizer and model differ", options.model,
                      "at most " + std::to_string(config.vocab) + " token ids",
                      std::to_string(impl->tokenizer->vocab_size()));
  }
  GATEHOUSE_ASSIGN(Policy policy, PolicyFor(options, *checkpoint, *impl->tokenizer));
  GATEHOUSE_TRY(CheckPolicy(policy, *impl->tokenizer));

  GATEHOUSE_ASSIGN(std::unique_ptr<Backend> backend, CreateBackend({.device = options.device,
                                                                    .threads = options.threads,
                                                                    .f32 = options.dtype == "f32",
                                                                    .kv_int8 = options.kv == "int8"}));
  GATEHOUSE_ASSIGN(std::unique_ptr<Decoder> decoder, Decoder::Create(config, checkpoint->lookup(), *backend));
  std::unique_ptr<VisionEncoder> vision;
  if (config.vision.present) {
    GATEHOUSE_ASSIGN(vision, VisionEncoder::Create(config, checkpoint->lookup(), *backend));
  }
  if (LogEnabled(LogLevel::kInfo)) {
    const auto took = std::chrono::steady_clock::now() - begin;
    Log(LogLevel::kInfo,
        "model " + options.model + " ready in " +
            std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(took).count()) +
            " ms: policy " + policy.name + ", " + backend->Describe());
  }
  GATEHOUSE_TRY(
      StartEngine(std::move(backend), std::move(decoder), std::move(vision), std::move(policy), impl.get()));
  return impl;
}

Result<void> StartEngine(std::unique_ptr<Backend> backend, std::unique_ptr<Decoder> decoder,
                         std::unique_ptr<VisionEncoder> vision, Policy policy, Guard::Impl* impl) {
  if (impl->options.kv_bytes == 0) {
    // Room for another request beside the longest, and what a small model's texts need to stay for a while.
    const int64_t page = backend->CreateKvCache(decoder->kv_shape())->BytesPerPage();
    const auto longest = static_cast<int32_t>(policy.max_prompt_tokens) + kTokensBehind;
    impl->options.kv_bytes = std::max(kLeastKvBytes, 2 * page * PagesFor(longest));
  }
  EngineOptions options;
  options.kv_bytes = impl->options.kv_bytes;
  options.feature_bytes = impl->options.kv_bytes / 4;
  options.max_waiting_tokens = impl->options.max_waiting_tokens;
  impl->engine = std::make_unique<Engine>(std::move(backend), std::move(decoder), std::move(vision), options);
  return impl->Start(std::move(policy));
}

}  // namespace gatehouse

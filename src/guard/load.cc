#include "guard/load.h"

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

namespace gatehouse {
namespace {

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
  GATEHOUSE_ASSIGN(impl->tokenizer, TokenizerOf(*checkpoint));
  if (impl->tokenizer->vocab_size() > config.vocab) {
    return ModelError("tokenizer and model differ", options.model,
                      "at most " + std::to_string(config.vocab) + " token ids",
                      std::to_string(impl->tokenizer->vocab_size()));
  }
  GATEHOUSE_ASSIGN(impl->policy, PolicyFor(options, *checkpoint, *impl->tokenizer));
  GATEHOUSE_TRY(CheckPolicy(impl->policy, *impl->tokenizer));

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
            " ms: policy " + impl->policy.name + ", " + backend->Describe());
  }
  impl->engine = std::make_unique<Engine>(
      std::move(backend), std::move(decoder), std::move(vision),
      EngineOptions{.scheduler = {.max_waiting = options.max_waiting}, .cache_bytes = options.cache_bytes});
  return impl;
}

}  // namespace gatehouse

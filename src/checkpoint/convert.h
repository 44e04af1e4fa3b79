// Convert: a published checkpoint, with an adapter merged if there is one, into a directory of our own that
// loads by mapping alone.
//
//   GATEHOUSE_TRY(Convert({.input = "llama-guard-4", .output = "lg4.gatehouse"}, progress));
//
// OUT/gatehouse.json                 format version, configuration, list of tensors
// OUT/model.gatehouse.safetensors    products' weights packed (checkpoint/pack.h), embeddings and vectors
//                                    row-major
// OUT/policy.json, chat_template.jinja, generation_config.json, tokenizer.json, tokenizer.model,
// tokenizer.bin: those that there are
//
// Everything is written beside OUT first and renamed at the end (checkpoint/output_directory.h): OUT is whole
// or not there. Blocks of rows are streamed; memory stays far below 1 GB, whatever the model.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "checkpoint/recipe.h"
#include "checkpoint/weights.h"
#include "gatehouse/result.h"

namespace gatehouse {

constexpr int kConvertedVersion = 1;              // of BF16 alone
constexpr int kRoundedVersion = 2;                // with weights of 8 or 4 bits: those of 8 are transformed
constexpr const char* kScalesSuffix = ".scales";  // of a rounded weight's second tensor
// How the description names the layouts of rounded weights ("turned" on disk: transformed).
struct QuantLayout {
  const char* name;
  QuantFormat format;
  bool transformed;
};
constexpr QuantLayout kQuantLayouts[] = {
    {"q8", QuantFormat::kQ8, true}, {"q4", QuantFormat::kQ4, false}, {"q4-turned", QuantFormat::kQ4, true}};
constexpr const char* kConvertedWeights = "model.gatehouse.safetensors";

struct ConvertOptions {
  std::string input = {};  // a Hugging Face directory or a .gguf file
  // Must not exist, be empty, or hold an earlier conversion alone, which is replaced; a link to such a place.
  std::string output = {};
  std::string adapter = {};  // a PEFT LoRA directory, or empty
  // A policy file to put in; empty: policy.json of the adapter or of the input, if there is one.
  std::string policy = {};
  int threads = 0;  // 0: one for each core that this process may use
  // Rounds the layers' products to 8 or 4 bits; routers, the head, embeddings, norms and vision stay as they
  // are.
  std::optional<QuantFormat> quant = {};
  // How to round, with `quant`; null: each weight by itself.
  ConvertRecipe* recipe = nullptr;
  // Gives the bytes of tokenizer.bin (this folder knows nothing of text); none: no such file.
  std::function<Result<std::string>(const Checkpoint&)> tokenizer = {};
};

// Called now and then with the bytes of weights written so far, and all.
using ProgressCallback = std::function<void(int64_t done, int64_t total)>;

// Errors: kModel (the input), kUsage (the output), kInternal (the disk).
Result<void> Convert(const ConvertOptions& options, const ProgressCallback& progress = {});

}  // namespace gatehouse

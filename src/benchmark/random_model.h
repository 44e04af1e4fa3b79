// Models of a named shape with random weights, for benchmarks.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "backend/backend.h"
#include "base/thread_pool.h"
#include "formats/model_config.h"
#include "gatehouse/result.h"
#include "model/decoder.h"

namespace gatehouse::benchmark {

// "llama-guard-4" or "smollm2-135m"; layers 0: as many as the shape has. Errors: kUsage.
Result<ModelConfig> ShapeConfig(const std::string& shape, int layers);

// Random weights in anonymous memory, as large as real ones are. Errors: kInternal: out of memory.
class RandomWeights {
 public:
  explicit RandomWeights(ThreadPool& pool) : pool_(pool) {}

  // bf16; a matrix with `packed` is in the stored layout.
  Result<WeightView> Make(const Shape& shape, bool packed);
  Result<WeightView> MakeQuant(const Shape& shape, QuantFormat format);

 private:
  ThreadPool& pool_;
  uint64_t made_ = 0;
};

// A network with random weights; format: of its layers' products, none: BF16. Its embeddings and head are
// BF16. Errors: kInternal: out of memory.
Result<std::unique_ptr<Decoder>> RandomDecoder(const ModelConfig& config, std::optional<QuantFormat> format,
                                               Backend& backend);

// Multiply-adds in the products of all layers, without attention and head, of passes over `rows` tokens, of
// which `read` leave the last layer.
double LayerProducts(const ModelConfig& config, double rows, double read);

// "bf16" (none), "q8" or "q4", and back.
const char* WeightsName(std::optional<QuantFormat> format);
std::optional<QuantFormat> FormatOfName(const std::string& name);

}  // namespace gatehouse::benchmark

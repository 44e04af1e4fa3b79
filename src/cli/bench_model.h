// Models of a named shape with random weights, for benchmarks.
#pragma once

#include <string>

#include "backend/weight_view.h"
#include "base/thread_pool.h"
#include "formats/model_config.h"
#include "gatehouse/result.h"

namespace gatehouse::cli {

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

}  // namespace gatehouse::cli

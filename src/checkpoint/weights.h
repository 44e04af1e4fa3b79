// Checkpoint: a model's configuration and weights, from a published Hugging Face directory, a GGUF file, or a
// directory that `gatehouse convert` wrote; with a LoRA adapter merged, where one is given.
//
//   GATEHOUSE_ASSIGN(auto checkpoint, Checkpoint::Open("models/llama-guard-4", /*adapter=*/""));
//   Decoder::Create(checkpoint->config(), checkpoint->lookup(), backend);
//
// Opening maps files and checks every tensor (missing, unexpected, wrong shape or dtype); nothing is read
// before use.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "backend/weight_view.h"
#include "checkpoint/adapter.h"
#include "checkpoint/scaled.h"
#include "formats/gguf_model.h"
#include "formats/model_config.h"
#include "model/block.h"
#include "model/tensor_table.h"

namespace gatehouse {

// A weight as it lies in a file: rows x cols values in one of a few orders.
struct StoredWeight {
  enum class Order {
    kRows,        // row-major [rows, cols]
    kPacked,      // BF16 [ceil(rows / 32)][ceil(cols / 2)][32][2], the layout of converted models
    kRotary,      // GGUF's order of q and k
    kQuant,       // rounded panels (kernels/quant/quant.h), with `scales`
    kTransposed,  // a slice of a fused [experts, cols, all rows] tensor
  };
  TensorView tensor;
  std::string file;  // for messages
  Order order = Order::kRows;
  Shape shape;                           // what the tensor stands for: [rows, cols], or [size]
  int64_t head_dim = 0;                  // kRotary
  QuantFormat quant = QuantFormat::kQ8;  // kQuant
  bool transformed = false;              // kQuant
  TensorView scales = {};                // kQuant
  int64_t row_stride =
      0;  // kTransposed: elements from one input to the next; tensor.data is at row 0, input 0
  std::optional<WeightScale> scale = {};  // kRows and kTransposed, of 8 bits
};

class Checkpoint {
 public:
  enum class Kind { kHuggingFace, kGguf, kConverted };

  // path may also be an adapter's directory that names its base by a path: then path() is the base's.
  // Errors: kModel; kUsage for an adapter over a converted directory (its weights are packed already).
  static Result<std::unique_ptr<Checkpoint>> Open(const std::string& path, const std::string& adapter = {});

  Kind kind() const { return kind_; }
  const std::string& path() const { return path_; }
  const ModelConfig& config() const { return config_; }
  const GgufFile* gguf() const { return gguf_ ? &*gguf_ : nullptr; }  // for its tokenizer
  const Adapter* adapter() const { return adapter_.get(); }

  // By the name of the table (model/tensor_table.h). Errors: kModel (no such weight, another shape).
  Result<WeightView> Get(const std::string& name, const Shape& shape) const;
  // The same as a function for Decoder and VisionEncoder; the checkpoint must outlive it, not the weights it
  // gave.
  WeightLookup lookup() const {
    return [this](const TensorSpec& spec) { return Get(spec.name, spec.shape); };
  }
  const std::map<std::string, StoredWeight, std::less<>>& stored() const { return stored_; }

 private:
  Result<void> OpenHuggingFace();
  Result<void> OpenGguf();
  Result<void> OpenConverted();
  Result<void> AddFusedExperts(const FusedExperts& fused, const std::string& name, const TensorView& view,
                               const std::string& file);
  Result<void> AttachScales();
  Result<void> AttachFusedScales(const FusedExperts& fused, const TensorView& factors,
                                 const std::string& where);
  Result<void> ChooseHead();
  Result<void> TakeSaved();
  Result<void> CheckAll() const;
  Result<void> CheckAdapter() const;

  Kind kind_ = Kind::kHuggingFace;
  std::string path_;
  ModelConfig config_;
  std::optional<GgufFile> gguf_;
  std::shared_ptr<const Adapter> adapter_;
  std::map<std::string, FusedExperts, std::less<>> fused_;  // that files of this model may have, by name
  std::map<std::string, StoredWeight, std::less<>> stored_;
  std::shared_ptr<const void> owner_;
};

}  // namespace gatehouse

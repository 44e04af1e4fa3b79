#include "checkpoint/adapter.h"

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "base/error.h"
#include "checkpoint/adapter_config.h"
#include "checkpoint/canonical_name.h"
#include "formats/safetensors.h"
#include "model/tensor_table.h"

namespace gatehouse {
namespace {

constexpr std::string_view kPrefix = "base_model.model.";

enum class Part { kA, kB, kEmbeddingA, kEmbeddingB, kMagnitude, kSaved };
struct Suffix {
  std::string_view text;
  Part part;
};
// As PEFT writes them, and with the adapter's name, as training frameworks do that write the model's own
// state. Longer ones first where one ends another.
constexpr Suffix kSuffixes[] = {{".lora_A.default.weight", Part::kA},
                                {".lora_A.weight", Part::kA},
                                {".lora_B.default.weight", Part::kB},
                                {".lora_B.weight", Part::kB},
                                {".lora_embedding_A.default", Part::kEmbeddingA},
                                {".lora_embedding_A", Part::kEmbeddingA},
                                {".lora_embedding_B.default", Part::kEmbeddingB},
                                {".lora_embedding_B", Part::kEmbeddingB},
                                {".lora_magnitude_vector.default.weight", Part::kMagnitude},
                                {".lora_magnitude_vector.default", Part::kMagnitude},
                                {".lora_magnitude_vector.weight", Part::kMagnitude},
                                {".lora_magnitude_vector", Part::kMagnitude},
                                {".modules_to_save.default.weight", Part::kSaved},
                                {".modules_to_save.weight", Part::kSaved},
                                {".base_layer.weight", Part::kSaved},
                                {".weight", Part::kSaved}};

const char* NameOf(Part part) {
  switch (part) {
    case Part::kA:
      return "lora_A.weight";
    case Part::kB:
      return "lora_B.weight";
    case Part::kEmbeddingA:
      return "lora_embedding_A";
    case Part::kEmbeddingB:
      return "lora_embedding_B";
    case Part::kMagnitude:
      return "lora_magnitude_vector";
    case Part::kSaved:
      break;
  }
  return "weight";
}

Result<std::vector<float>> Widen(const TensorView& view, const std::string& where) {
  std::vector<float> out(static_cast<size_t>(view.elements()));
  if (!ToFloat(view, 0, view.elements(), out.data())) {
    return ModelError("wrong dtype", where, "F32, F16 or BF16", DTypeName(view.dtype));
  }
  // One NaN in an adapter would be in every logit, and a guard must not find out by answering.
  for (float value : out) {
    if (!std::isfinite(value))
      return ModelError("value is not finite", where, "finite numbers", std::to_string(value));
  }
  return out;
}

std::vector<float> Transposed(const std::vector<float>& values, int64_t rows, int64_t cols) {
  std::vector<float> out(values.size());
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t c = 0; c < cols; ++c)
      out[static_cast<size_t>(c * rows + r)] = values[static_cast<size_t>(r * cols + c)];
  }
  return out;
}

}  // namespace

// Sorts an adapter's tensors by module, then makes of each module what is merged.
class AdapterReader {
 public:
  AdapterReader(AdapterConfig config, const SafetensorsFile& file, Adapter* adapter)
      : config_(std::move(config)), file_(file), adapter_(adapter) {}

  Result<void> Read() {
    for (const auto& [name, view] : file_.tensors()) GATEHOUSE_TRY(Sort(name, view));
    for (const auto& [module, parts] : modules_) GATEHOUSE_TRY(Make(module, parts));
    for (const std::string& saved : config_.saved_modules) GATEHOUSE_TRY(RequireSaved(saved));
    if (modules_.empty()) return ModelError("empty adapter", file_.path(), "at least one module", "none");
    return {};
  }

 private:
  struct Tensor {
    std::string name;
    const TensorView* view;
  };
  using Parts = std::map<Part, Tensor>;

  std::string Where(const Tensor& tensor) const { return file_.path() + ", tensor '" + tensor.name + "'"; }

  Result<void> Sort(const std::string& name, const TensorView& view) {
    const Tensor tensor{name, &view};
    std::string_view module = name;
    const auto suffix = std::find_if(std::begin(kSuffixes), std::end(kSuffixes), [&](const Suffix& known) {
      return module.ends_with(known.text) && module.size() > kPrefix.size() + known.text.size();
    });
    // The last suffix, ".weight", ends any name: a part of LoRA that is not listed must not pass for a saved
    // weight.
    const bool is_lora = name.find(".lora_") != std::string::npos;
    if (!module.starts_with(kPrefix) || suffix == std::end(kSuffixes) ||
        (suffix->part == Part::kSaved && is_lora)) {
      return ModelError("unexpected tensor", Where(tensor),
                        "base_model.model. ... .lora_A.weight, .lora_B.weight or a saved .weight",
                        "another name");
    }
    module.remove_prefix(kPrefix.size());
    module.remove_suffix(suffix->text.size());
    if (!modules_[std::string(module)].emplace(suffix->part, tensor).second)
      return ModelError("tensor occurs twice", Where(tensor), "each once", "two spellings");
    return {};
  }

  Result<void> Make(const std::string& module, const Parts& parts) {
    // Adapters name modules as the model of their time did, with or without "language_model.": two spellings
    // of one weight are one weight, and an error.
    const std::string weight = CanonicalName(module + ".weight");
    const auto saved = parts.find(Part::kSaved);
    if (saved != parts.end() && !adapter_->saved_.emplace(weight, *saved->second.view).second)
      return ModelError("module occurs twice", Where(saved->second), "each once", "two spellings");
    const bool embedding = parts.count(Part::kEmbeddingA) + parts.count(Part::kEmbeddingB) > 0;
    const Part a_part = embedding ? Part::kEmbeddingA : Part::kA,
               b_part = embedding ? Part::kEmbeddingB : Part::kB;
    if (embedding && parts.count(Part::kA) + parts.count(Part::kB) + parts.count(Part::kMagnitude) > 0) {
      return ModelError("not supported", Where(parts.begin()->second),
                        "lora_embedding_A and lora_embedding_B alone", "other kinds beside them");
    }
    // A saved weight alone.
    if (parts.size() == (saved == parts.end() ? 0u : 1u)) return {};
    // PEFT stores both kinds transposed to each other: taken for the other kind the shapes could even fit.
    if (embedding != (weight == NameOf(Weight::kEmbedding))) {
      return ModelError(
          "not supported", Where(parts.begin()->second),
          "lora_embedding_A and lora_embedding_B for the embeddings, lora_A and lora_B for the rest",
          embedding ? "those of embeddings" : "those of products for the embeddings");
    }
    for (const Part part : {a_part, b_part}) {
      if (parts.count(part) == 0)
        return ModelError("tensor missing", Where(parts.begin()->second),
                          std::string("a ") + NameOf(part) + " beside it", "none");
    }
    const Tensor &a = parts.at(a_part), &b = parts.at(b_part);
    const int64_t rank = config_.RankOf(module);
    const Shape &a_shape = a.view->shape, &b_shape = b.view->shape;
    // The rank comes from the configuration, for scale is alpha / r: with another r the shapes tell that the
    // two files do not belong together.
    if (a_shape.size() != 2 || b_shape.size() != 2 || a_shape[0] != rank || b_shape[1] != rank ||
        a_shape[1] < 1 || b_shape[0] < 1) {
      return ModelError("wrong shape", Where(a), "A [r, in] and B [out, r] with r = " + std::to_string(rank),
                        ShapeString(a_shape) + " and " + ShapeString(b_shape));
    }
    LoraDelta delta;
    delta.rank = rank;
    delta.scale = static_cast<float>(config_.ScaleOf(module));
    GATEHOUSE_ASSIGN(delta.a, Widen(*a.view, Where(a)));
    GATEHOUSE_ASSIGN(delta.b, Widen(*b.view, Where(b)));
    delta.cols = a_shape[1];
    delta.rows = b_shape[0];
    if (embedding) {
      // A table [tokens, width] is looked up by its rows: A is [r, tokens], B [width, r].
      std::vector<float> rows = Transposed(delta.a, rank, delta.cols);
      delta.a = Transposed(delta.b, delta.rows, rank);
      delta.b = std::move(rows);
      std::swap(delta.rows, delta.cols);
    }
    GATEHOUSE_TRY(ReadMagnitude(a, parts, embedding, &delta));
    if (!adapter_->deltas_.emplace(weight, std::move(delta)).second)
      return ModelError("module occurs twice", Where(a), "each once", "two spellings");
    return {};
  }

  Result<void> ReadMagnitude(const Tensor& a, const Parts& parts, bool embedding, LoraDelta* delta) const {
    const auto found = parts.find(Part::kMagnitude);
    if (found == parts.end()) {
      if (!config_.dora) return {};
      return ModelError(
          embedding ? "not supported" : "tensor missing", Where(a),
          embedding ? "no DoRA of embeddings" : "a lora_magnitude_vector beside it, since use_dora is true",
          embedding ? "use_dora true" : "none");
    }
    const Tensor& tensor = found->second;
    if (!config_.dora)
      return ModelError("unexpected tensor", Where(tensor), "none of DoRA, since use_dora is not true",
                        "one");
    if (tensor.view->shape != Shape{delta->rows}) {
      return ModelError("wrong shape", Where(tensor), ShapeString({delta->rows}),
                        ShapeString(tensor.view->shape));
    }
    GATEHOUSE_ASSIGN(delta->magnitude, Widen(*tensor.view, Where(tensor)));
    return {};
  }

  Result<void> RequireSaved(const std::string& name) const {
    // modules_to_save names modules as target_modules does: by their last part, or in full.
    for (const auto& [module, parts] : modules_) {
      if (parts.count(Part::kSaved) > 0 && (module == name || module.ends_with("." + name))) return {};
    }
    return ModelError("tensor missing", file_.path(),
                      "a weight of '" + name.substr(0, 80) + "', since modules_to_save has it", "none");
  }

  const AdapterConfig config_;
  const SafetensorsFile& file_;
  Adapter* adapter_;
  std::map<std::string, Parts> modules_;
};

Result<std::shared_ptr<const Adapter>> Adapter::Open(const std::string& directory) {
  GATEHOUSE_ASSIGN(AdapterConfig config, ReadAdapterConfig(directory + "/adapter_config.json"));
  const std::string path = directory + "/adapter_model.safetensors",
                    pickled = directory + "/adapter_model.bin";
  std::error_code code;
  if (!std::filesystem::exists(path, code) && std::filesystem::exists(pickled, code))
    return ModelError("not supported", pickled, "adapter_model.safetensors, as PEFT saves by default",
                      "weights in Python's pickle format");
  GATEHOUSE_ASSIGN(SafetensorsFile opened, SafetensorsFile::Open(path));
  const auto file = std::make_shared<SafetensorsFile>(std::move(opened));
  auto adapter = std::make_shared<Adapter>();
  adapter->directory_ = directory;
  adapter->file_ = file;
  GATEHOUSE_TRY(AdapterReader(std::move(config), *file, adapter.get()).Read());
  return std::shared_ptr<const Adapter>(std::move(adapter));
}

const LoraDelta* Adapter::Find(std::string_view name) const {
  const auto found = deltas_.find(name);
  return found == deltas_.end() ? nullptr : &found->second;
}

}  // namespace gatehouse

// Checkpoint::Open for GGUF files.
#include <optional>

#include "base/error.h"
#include "checkpoint/weights.h"
#include "formats/gguf_model.h"

namespace gatehouse {

Result<void> Checkpoint::OpenGguf() {
  GATEHOUSE_ASSIGN(GgufFile file, GgufFile::Open(path_));
  GATEHOUSE_ASSIGN(config_, ModelConfigFromGguf(file));
  owner_ = file.owner();
  for (const auto& [name, view] : file.tensors()) {
    if (name == "rope_freqs.weight") continue;  // part of the config
    const std::optional<TensorId> id = IdOfGguf(name);
    if (!id)
      return ModelError("unexpected tensor", path_, "tensors of a llama model",
                        "'" + name.substr(0, 100) + "'");
    StoredWeight stored;
    stored.tensor = view;
    stored.file = file.FileOf(name);
    stored.shape = view.shape;
    if (id->weight == Weight::kQuery || id->weight == Weight::kKey) {
      stored.order = StoredWeight::Order::kRotary;
      stored.head_dim = config_.head_dim;
    }
    // A layer too many is no error here: the check of all tensors names it.
    stored_.emplace(SpecOf(config_, *id).name, std::move(stored));
  }
  const auto table = stored_.find(NameOf(Weight::kEmbedding));
  if (config_.tied && table != stored_.end())
    stored_.emplace(std::string(NameOf(Weight::kHead)), table->second);
  gguf_ = std::move(file);
  return {};
}

}  // namespace gatehouse

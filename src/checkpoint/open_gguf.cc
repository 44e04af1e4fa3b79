// Checkpoint::Open for GGUF files.
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
    const std::string own = HuggingFaceName(name);
    if (own.empty())
      return ModelError("unexpected tensor", path_, "tensors of a llama model",
                        "'" + name.substr(0, 100) + "'");
    StoredWeight stored;
    stored.tensor = view;
    stored.file = file.FileOf(name);
    stored.shape = view.shape;
    if (own.ends_with("self_attn.q_proj.weight") || own.ends_with("self_attn.k_proj.weight")) {
      stored.order = StoredWeight::Order::kRotary;
      stored.head_dim = config_.head_dim;
    }
    stored_.emplace(own, std::move(stored));
  }
  const auto table = stored_.find("model.embed_tokens.weight");
  if (config_.tied && table != stored_.end()) stored_.emplace("lm_head.weight", table->second);
  gguf_ = std::move(file);
  return {};
}

}  // namespace gatehouse

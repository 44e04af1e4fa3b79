#include "checkpoint/canonical_name.h"

namespace gatehouse {
namespace {

bool Drop(std::string_view* name, std::string_view prefix) {
  if (!name->starts_with(prefix)) return false;
  name->remove_prefix(prefix.size());
  return true;
}

}  // namespace

std::string CanonicalName(std::string_view name) {
  if (Drop(&name, "model.language_model.") || Drop(&name, "language_model.")) {
    if (name.starts_with("model.") || name.starts_with("lm_head.")) return std::string(name);
    return "model." + std::string(name);
  }
  if (name.starts_with("model.vision_model.") || name.starts_with("model.multi_modal_projector."))
    Drop(&name, "model.");
  return std::string(name);
}

}  // namespace gatehouse

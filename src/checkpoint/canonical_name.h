// CanonicalName: what the table of tensors (model/tensor_table.h) calls what a published file calls
// otherwise.
//
//   CanonicalName("language_model.model.norm.weight");  // "model.norm.weight"
#pragma once

#include <string>
#include <string_view>

namespace gatehouse {

// "language_model.model.X", "model.language_model.X" and "model.X" are one.
std::string CanonicalName(std::string_view name);

}  // namespace gatehouse

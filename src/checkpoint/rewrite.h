// Rewrite: a Hugging Face directory once more, with the values of some tensors replaced: what training of
// whole weights writes. Files, names, types and all that lies beside the tensors stay as they are.
//
//   GATEHOUSE_TRY(Rewrite("scout-dense", "guard", [&](const std::string& name) { return ValuesOf(name); }));
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "gatehouse/result.h"

namespace gatehouse {

// By the table's name ("model.norm.weight"): the values of a tensor, row by row; none: it stays.
using NewValues = std::function<Result<std::optional<std::vector<float>>>(const std::string& name)>;

// Whether a model is such a directory. Errors: kUsage: it is not, or its weights are rounded with scales, of
// which no single tensor can be replaced.
Result<void> CheckRewritable(const std::string& input);

// policy: a file that becomes policy.json; empty: the input's stays. Values are rounded to the tensor's own
// type. Errors: kModel (the input), kUsage (the output), kInternal (the disk, a value that is not finite or
// of another number than the tensor's).
Result<void> Rewrite(const std::string& input, const std::string& output, const NewValues& new_values,
                     const std::string& policy = {});

// What may lie beside the tensors of a model and belongs to it, but for config.json.
const std::vector<std::string>& ModelCompanions();

}  // namespace gatehouse

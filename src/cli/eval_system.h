// gatehouse eval --system-level: with a model behind the guard.
#pragma once

#include <vector>

#include "cli/eval_flags.h"
#include "gatehouse/result.h"

namespace gatehouse::cli {

// Lets the model answer where that is asked for, judges what both filters see, and reports. Its files are
// those of docs/evaluation.md.
Result<int> EvaluateSystem(const EvalFlags& flags, std::vector<DatasetReader::Input> data);

}  // namespace gatehouse::cli

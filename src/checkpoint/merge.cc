#include "checkpoint/merge.h"

#include <map>
#include <set>
#include <vector>

#include "base/error.h"
#include "base/output_file.h"
#include "checkpoint/adapter.h"
#include "checkpoint/canonical_name.h"
#include "checkpoint/rewrite.h"
#include "checkpoint/weights.h"
#include "formats/tensor_source.h"
#include "model/tensor_table.h"

namespace gatehouse {
namespace {

// The weights that an adapter changes, by the table's names. Errors: kUsage: one that the files do not hold
// by itself.
Result<std::set<std::string>> ChangedBy(const std::string& directory, const std::string& input) {
  std::set<std::string> changed;
  GATEHOUSE_ASSIGN(const auto adapter, Adapter::Open(directory));
  for (const auto& [name, delta] : adapter->deltas()) changed.insert(name);
  for (const auto& [name, view] : adapter->saved()) changed.insert(name);
  std::set<std::string> there;
  GATEHOUSE_ASSIGN(const TensorSource source, TensorSource::Open(input));
  for (const auto& [name, view] : source.tensors()) there.insert(CanonicalName(name));
  for (const std::string& name : changed) {
    if (!there.contains(name))
      return UsageError("a weight that cannot be replaced by itself", input + ": " + name,
                        "a tensor of its own in the files", "none");
  }
  return changed;
}

}  // namespace

Result<void> Merge(const MergeOptions& options) {
  GATEHOUSE_TRY(CheckRewritable(options.input));
  // Opened whole, so that what does not fit together is told before anything is written.
  GATEHOUSE_ASSIGN(const auto checkpoint, Checkpoint::Open(options.input, options.adapter));
  std::set<std::string> changed;
  if (!options.adapter.empty()) {
    GATEHOUSE_ASSIGN(changed, ChangedBy(options.adapter, options.input));
  }
  std::map<std::string, TensorSpec> specs;
  for (TensorSpec& spec : ListTensors(checkpoint->config())) {
    if (changed.contains(spec.name)) specs.emplace(spec.name, std::move(spec));
  }
  const auto merged = [&](const std::string& name) -> Result<std::optional<std::vector<float>>> {
    const auto spec = specs.find(name);
    if (spec == specs.end()) return std::optional<std::vector<float>>();
    GATEHOUSE_ASSIGN(const WeightView view, checkpoint->lookup()(spec->second));
    std::vector<float> values(static_cast<size_t>(view.rows * view.cols));
    view.ReadRows(0, view.rows, values.data());
    return std::optional(std::move(values));
  };
  return Rewrite(options.input, options.output, merged, options.policy);
}

}  // namespace gatehouse

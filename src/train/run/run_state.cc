#include "train/run/run_state.h"

#include <charconv>
#include <cstring>
#include <filesystem>
#include <utility>
#include <vector>

#include "base/error.h"
#include "formats/safetensors.h"
#include "tensor/tensor.h"

namespace gatehouse::train {
namespace {

struct Named {
  std::string name;
  Mat values;
};

std::vector<Named> AllOf(const RunParts& parts) {
  std::vector<Named> out;
  const auto& tensors = parts.trained.tensors();
  for (size_t i = 0; i < tensors.size(); ++i) {
    out.push_back({tensors[i].name, tensors[i].value});
    out.push_back({tensors[i].name + ".first", parts.optimiser.states()[i].first});
    out.push_back({tensors[i].name + ".second", parts.optimiser.states()[i].second});
    out.push_back({tensors[i].name + ".sum", parts.sums[i]});
  }
  return out;
}

Result<int64_t> NumberIn(const SafetensorsFile& file, const char* name) {
  const auto found = file.metadata().find(name);
  int64_t value = 0;
  if (found != file.metadata().end()) {
    const std::string& text = found->second;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error == std::errc() && end == text.data() + text.size() && value >= 0) return value;
  }
  return ModelError("no state of training", file.path() + ": " + name, "a whole number",
                    found == file.metadata().end() ? "nothing" : "another text");
}

}  // namespace

Result<void> SaveState(const std::string& path, const RunParts& parts, const RunProgress& progress,
                       Operations& ops) {
  const std::vector<Named> all = AllOf(parts);
  std::vector<TensorDeclaration> declared;
  declared.reserve(all.size());
  for (const Named& one : all)
    declared.push_back({one.name, DType::kF32, {one.values.rows, one.values.cols}});
  GATEHOUSE_ASSIGN(SafetensorsWriter writer,
                   SafetensorsWriter::Create(
                       path, declared,
                       {{"identity", progress.identity},
                        {"next_step", std::to_string(progress.next_step)},
                        {"optimiser_steps", std::to_string(progress.optimiser_steps)},
                        {"averaged", std::to_string(progress.averaged)},
                        {"skipped", std::to_string(progress.skipped)},
                        {"milliseconds", std::to_string(static_cast<int64_t>(progress.seconds * 1e3))}}));
  std::vector<float> values;
  for (const Named& one : all) {
    values.resize(static_cast<size_t>(one.values.rows * one.values.cols));
    ops.Download(one.values, values);
    GATEHOUSE_TRY(ops.Finish());
    GATEHOUSE_TRY(writer.Append(values.data(), values.size() * sizeof(float)));
  }
  return writer.Finish();
}

Result<std::optional<RunProgress>> LoadState(const std::string& path, const RunParts& parts,
                                             const std::string& identity, Operations& ops) {
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored)) return std::optional<RunProgress>();
  GATEHOUSE_ASSIGN(const SafetensorsFile file, SafetensorsFile::Open(path));
  RunProgress out;
  const auto own = file.metadata().find("identity");
  if (own == file.metadata().end() || own->second != identity)
    return UsageError("state of another run", path, "the same settings and data, or another directory",
                      "others");
  out.identity = identity;
  GATEHOUSE_ASSIGN(out.next_step, NumberIn(file, "next_step"));
  GATEHOUSE_ASSIGN(out.optimiser_steps, NumberIn(file, "optimiser_steps"));
  GATEHOUSE_ASSIGN(out.averaged, NumberIn(file, "averaged"));
  GATEHOUSE_ASSIGN(out.skipped, NumberIn(file, "skipped"));
  GATEHOUSE_ASSIGN(const int64_t milliseconds, NumberIn(file, "milliseconds"));
  out.seconds = static_cast<double>(milliseconds) * 1e-3;
  std::vector<float> values;
  for (const Named& one : AllOf(parts)) {
    const TensorView* found = file.Find(one.name);
    if (found == nullptr || found->dtype != DType::kF32 ||
        found->shape != Shape{one.values.rows, one.values.cols})
      return ModelError(
          "no state of this network", path + ": " + one.name,
          std::to_string(one.values.rows) + " x " + std::to_string(one.values.cols) + " of float32",
          found == nullptr ? "nothing" : "another shape");
    values.resize(static_cast<size_t>(one.values.rows * one.values.cols));
    std::memcpy(values.data(), found->data, values.size() * sizeof(float));
    ops.Upload(values, one.values);
  }
  GATEHOUSE_TRY(ops.Finish());
  return std::optional<RunProgress>(std::move(out));
}

}  // namespace gatehouse::train

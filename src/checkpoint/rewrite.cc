#include "checkpoint/rewrite.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <map>

#include "base/error.h"
#include "base/input_file.h"
#include "base/output_file.h"
#include "checkpoint/canonical_name.h"
#include "checkpoint/output_directory.h"
#include "checkpoint/release_pages.h"
#include "formats/safetensors.h"
#include "formats/tensor_source.h"
#include "tensor/tensor.h"

namespace gatehouse {
namespace {

namespace fs = std::filesystem;

constexpr size_t kPiece = 8u << 20;
constexpr const char* kIndex = "model.safetensors.index.json";

bool IsFloat(DType type) { return type == DType::kF32 || type == DType::kF16 || type == DType::kBF16; }

Result<std::vector<std::byte>> Rounded(const std::string& name, const TensorView& view,
                                       const std::vector<float>& values) {
  if (static_cast<int64_t>(values.size()) != view.elements())
    return InternalError("values of another number", name);
  std::vector<std::byte> out(static_cast<size_t>(view.bytes()));
  for (size_t i = 0; i < values.size(); ++i) {
    const auto put = [&](auto value) { std::memcpy(out.data() + i * sizeof value, &value, sizeof value); };
    bool fits = std::isfinite(values[i]);
    if (view.dtype == DType::kF32) put(values[i]);
    if (view.dtype == DType::kBF16) put(FloatToBf16(values[i]));
    if (view.dtype == DType::kF16) {
      const uint16_t half = FloatToF16(values[i]);
      fits = fits && std::isfinite(F16ToFloat(half));
      put(half);
    }
    if (!fits)
      return Error{ErrorCode::kInternal, "value does not fit into " + std::string(DTypeName(view.dtype)),
                   name, "a finite number", std::to_string(values[i])};
  }
  return out;
}

Result<void> WriteShard(const std::string& path, const std::vector<std::pair<std::string, TensorView>>& items,
                        const NewValues& new_values) {
  std::vector<TensorDeclaration> declared;
  declared.reserve(items.size());
  for (const auto& [name, view] : items) declared.push_back({name, view.dtype, view.shape});
  GATEHOUSE_ASSIGN(SafetensorsWriter writer, SafetensorsWriter::Create(path, declared, {{"format", "pt"}}));
  for (const auto& [name, view] : items) {
    GATEHOUSE_ASSIGN(const auto values, new_values(CanonicalName(name)));
    if (values) {
      GATEHOUSE_ASSIGN(const std::vector<std::byte> bytes, Rounded(name, view, *values));
      GATEHOUSE_TRY(writer.Append(bytes));
      continue;
    }
    std::span<const std::byte> bytes(view.data, static_cast<size_t>(view.bytes()));
    while (!bytes.empty()) {
      const auto piece = bytes.first(std::min(kPiece, bytes.size()));
      GATEHOUSE_TRY(writer.Append(piece));
      ReleasePages(piece);
      bytes = bytes.subspan(piece.size());
    }
  }
  return writer.Finish();
}

}  // namespace

const std::vector<std::string>& ModelCompanions() {
  static const std::vector<std::string> names = {
      "generation_config.json",  "tokenizer.json",      "tokenizer.model",    "tokenizer_config.json",
      "special_tokens_map.json", "chat_template.jinja", "chat_template.json", "preprocessor_config.json",
      "processor_config.json",   "policy.json"};
  return names;
}

Result<void> CheckRewritable(const std::string& input) {
  GATEHOUSE_ASSIGN(const bool has_config,
                   IsThere((fs::path(input) / "config.json").string(), ErrorCode::kModel));
  if (!has_config)
    return UsageError("whole weights are written as a Hugging Face directory, from one", input,
                      "its config.json", "none");
  GATEHOUSE_ASSIGN(const TensorSource source, TensorSource::Open(input));
  for (const auto& [name, view] : source.tensors()) {
    if (!IsFloat(view.dtype))
      return UsageError("whole weights are not written over rounded ones", input + ": " + name,
                        "F32, F16 or BF16", DTypeName(view.dtype));
  }
  return {};
}

Result<void> Rewrite(const std::string& input, const std::string& output, const NewValues& new_values,
                     const std::string& policy) {
  GATEHOUSE_TRY(CheckRewritable(input));
  GATEHOUSE_ASSIGN(const TensorSource source, TensorSource::Open(input));
  std::map<std::string, std::vector<std::pair<std::string, TensorView>>> shards;
  for (const auto& [name, view] : source.tensors())
    shards[fs::path(source.FileOf(name)).filename().string()].emplace_back(name, view);
  std::vector<std::string> files = {"config.json", kIndex};
  files.insert(files.end(), ModelCompanions().begin(), ModelCompanions().end());
  std::vector<std::string> names = files;
  for (const auto& [file, items] : shards) names.push_back(file);
  GATEHOUSE_ASSIGN(OutputDirectory out, OutputDirectory::Create(output, names, {input, policy}));
  for (const std::string& name : files) {
    const bool other = name == "policy.json" && !policy.empty();
    const std::string from = other ? policy : (fs::path(input) / name).string();
    GATEHOUSE_ASSIGN(const bool there, IsThere(from, ErrorCode::kModel));
    if (there) GATEHOUSE_TRY(CopyFile(from, out.part() + "/" + name, ErrorCode::kModel));
  }
  for (const auto& [file, items] : shards)
    GATEHOUSE_TRY(WriteShard(out.part() + "/" + file, items, new_values));
  return out.Publish();
}

}  // namespace gatehouse

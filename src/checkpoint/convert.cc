#include "checkpoint/convert.h"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "base/error.h"
#include "base/mapped_file.h"
#include "base/thread_pool.h"
#include "checkpoint/pack.h"
#include "checkpoint/release_pages.h"
#include "formats/json.h"
#include "formats/safetensors.h"

namespace gatehouse {
// What rounding would hurt, or is small beside the rest, keeps BF16: routers, the head, everything that sees.
bool IsRounded(const TensorSpec& spec) {
  const std::string& name = spec.name;
  return spec.role == TensorSpec::Role::kLinear && name.rfind("model.layers.", 0) == 0 &&
         name.find("router") == std::string::npos;
}

namespace {

namespace fs = std::filesystem;

struct Planned {
  TensorSpec spec;
  DType dtype;
  bool packed;
  std::optional<QuantFormat> quant = {};
  bool turned = false;

  const char* layout() const {
    for (const QuantLayout& layout : kQuantLayouts) {
      if (quant == layout.format && turned == layout.turned) return layout.name;
    }
    return packed ? "packed" : "rows";
  }
};

// Packed matrices first (their sizes keep each at a multiple of 64), then embeddings, then vectors.
std::vector<Planned> Plan(const Checkpoint& checkpoint, std::optional<QuantFormat> quant,
                          const ConvertRecipe* recipe) {
  std::vector<Planned> plan;
  const std::vector<TensorSpec> specs = ListTensors(checkpoint.config());
  for (const auto role :
       {TensorSpec::Role::kLinear, TensorSpec::Role::kEmbedding, TensorSpec::Role::kValues}) {
    for (const TensorSpec& spec : specs) {
      if (spec.role != role) continue;
      // Vectors are few: they keep their precision.
      const bool is_bf16 = checkpoint.stored().find(spec.name)->second.tensor.dtype == DType::kBF16;
      const bool values = role == TensorSpec::Role::kValues;
      const bool is_edited = recipe != nullptr && recipe->Edits(spec.name);
      plan.push_back({spec, values && (!is_bf16 || is_edited) ? DType::kF32 : DType::kBF16,
                      role == TensorSpec::Role::kLinear});
      if (quant && IsRounded(spec)) {
        plan.back().quant = recipe == nullptr ? quant : recipe->FormatOf(spec.name, *quant);
        if (!plan.back().quant) continue;
        plan.back().dtype = DType::kU8;
        // docs/decisions/0015-turned-inputs.md
        plan.back().turned = *plan.back().quant == QuantFormat::kQ8 || recipe != nullptr;
      }
    }
  }
  return plan;
}

Result<void> WriteWeights(const Checkpoint& checkpoint, const std::vector<Planned>& plan,
                          ConvertRecipe* recipe, const std::string& path, int threads,
                          const ProgressCallback& progress) {
  std::vector<TensorDeclaration> declarations;
  int64_t total = 0, done = 0;
  for (const Planned& item : plan) {
    const Shape& shape = item.spec.shape;
    if (item.quant) {
      declarations.push_back({item.spec.name, item.dtype, QuantShape(*item.quant, shape[0], shape[1])});
      total += TensorView{item.dtype, declarations.back().shape, nullptr}.bytes();
      declarations.push_back(
          {item.spec.name + kScalesSuffix, DType::kF32, QuantScalesShape(shape[0], shape[1])});
      total += TensorView{DType::kF32, declarations.back().shape, nullptr}.bytes();
      continue;
    }
    declarations.push_back(
        {item.spec.name, item.dtype, item.packed ? PackedShape(shape[0], shape[1]) : shape});
    total += TensorView{item.dtype, declarations.back().shape, nullptr}.bytes();
  }
  GATEHOUSE_ASSIGN(SafetensorsWriter writer,
                   SafetensorsWriter::Create(path, declarations, {{"format", "gatehouse"}}));
  ThreadPool pool(threads > 0 ? threads : ThreadPool::DefaultThreads());
  const ByteSink sink = [&](std::span<const std::byte> bytes) -> Result<void> {
    GATEHOUSE_TRY(writer.Append(bytes));
    done += static_cast<int64_t>(bytes.size());
    if (progress) progress(done, total);
    return {};
  };
  for (const Planned& item : plan) {
    const std::string& name = item.spec.name;
    GATEHOUSE_ASSIGN(const WeightView stored, checkpoint.Get(name, item.spec.shape));
    const WeightView view = recipe != nullptr && recipe->Edits(name) ? recipe->Edit(name, stored) : stored;
    if (item.quant) {
      std::vector<float> scales;
      PanelRounder round;
      if (recipe != nullptr) {
        GATEHOUSE_ASSIGN(round, recipe->RounderOf(name, view, *item.quant));
      }
      GATEHOUSE_TRY(StreamQuant(view, *item.quant, item.turned, name, pool, sink, &scales, round));
      GATEHOUSE_TRY(sink(std::as_bytes(std::span(scales))));
    } else {
      GATEHOUSE_TRY(item.packed ? StreamPacked(view, pool, sink) : StreamRows(view, item.dtype, sink));
    }
    // A slice of a fused tensor is not one stretch: its pages are its neighbours' too.
    if (checkpoint.stored().find(name)->second.order != StoredWeight::Order::kTransposed) {
      ReleasePages({stored.tensor.data, static_cast<size_t>(stored.tensor.bytes())});
    }
  }
  return writer.Finish();
}

Result<void> WriteText(const fs::path& path, const std::string& text) {
  std::ofstream file(path, std::ios::binary);
  file << text;
  file.flush();
  if (!file) return Error{ErrorCode::kInternal, "cannot write file", path.string(), {}, std::strerror(errno)};
  return {};
}

Result<void> CopyFile(const fs::path& from, const fs::path& to) {
  std::error_code code;
  fs::copy_file(from, to, fs::copy_options::overwrite_existing, code);
  if (code) return Error{ErrorCode::kInternal, "cannot copy file", from.string(), {}, code.message()};
  return {};
}

Result<void> WriteDescription(const Checkpoint& checkpoint, const std::vector<Planned>& plan,
                              const std::string& weights, const fs::path& path) {
  Json root;
  root["format"] = "gatehouse";
  root["version"] = weights == "bf16" ? kConvertedVersion : kRoundedVersion;
  root["weights"] = weights;
  root["config"] = Json::parse(ModelConfigToJson(checkpoint.config()));
  if (!checkpoint.config().rope_divisors.empty()) root["rope_divisors"] = checkpoint.config().rope_divisors;
  Json& tensors = root["tensors"] = Json::object();
  for (const Planned& item : plan) {
    // push_back: names are unique, and a search for each would make this quadratic.
    tensors.push_back({item.spec.name, {{"shape", item.spec.shape}, {"layout", item.layout()}}});
  }
  return WriteText(path, root.dump(1) + "\n");
}

Result<void> CopyCompanions(const ConvertOptions& options, const Checkpoint& checkpoint, const fs::path& to) {
  std::error_code code;
  if (checkpoint.kind() == Checkpoint::Kind::kHuggingFace) {
    for (const char* name : {"generation_config.json", "tokenizer.json", "tokenizer.model"}) {
      const fs::path from = fs::path(options.input) / name;
      if (fs::exists(from, code)) GATEHOUSE_TRY(CopyFile(from, to / name));
    }
  }
  if (options.tokenizer) {
    GATEHOUSE_ASSIGN(const std::string bytes, options.tokenizer(checkpoint));
    GATEHOUSE_TRY(WriteText(to / "tokenizer.bin", bytes));
  }
  if (!options.policy.empty()) return CopyFile(options.policy, to / "policy.json");
  for (const std::string& directory : {options.adapter, options.input}) {
    const fs::path from = fs::path(directory) / "policy.json";
    if (!directory.empty() && fs::is_regular_file(from, code)) return CopyFile(from, to / "policy.json");
  }
  return {};
}

// Only an empty place, or an earlier conversion, may be replaced.
Result<void> CheckOutput(const fs::path& output) {
  std::error_code code;
  if (output.empty()) return UsageError("no output directory", "output", "a path", "nothing");
  if (!fs::exists(output, code)) return {};
  const bool replaceable = fs::is_directory(output, code) &&
                           (fs::is_empty(output, code) || fs::exists(output / "gatehouse.json", code));
  if (replaceable) return {};
  return UsageError("output exists", output.string(), "a new or empty directory, or an earlier conversion",
                    "other files");
}

Result<void> Publish(const fs::path& part, const fs::path& output) {
  std::error_code code;
  const fs::path old = output.string() + ".old";
  fs::remove_all(old, code);
  if (fs::exists(output, code)) fs::rename(output, old, code);
  fs::rename(part, output, code);
  if (code)
    return Error{ErrorCode::kInternal, "cannot rename directory", output.string(), {}, code.message()};
  fs::remove_all(old, code);
  return {};
}

}  // namespace

Result<void> Convert(const ConvertOptions& options, const ProgressCallback& progress) {
  fs::path output = fs::path(options.output).lexically_normal();
  if (!output.has_filename()) output = output.parent_path();
  GATEHOUSE_TRY(CheckOutput(output));
  GATEHOUSE_ASSIGN(const std::unique_ptr<Checkpoint> checkpoint,
                   Checkpoint::Open(options.input, options.adapter));
  if (checkpoint->kind() == Checkpoint::Kind::kConverted) {
    return UsageError("nothing to convert", options.input, "a Hugging Face directory or a GGUF file",
                      "a converted model");
  }
  const fs::path part = output.string() + ".part";
  std::error_code code;
  fs::remove_all(part, code);
  fs::create_directories(part, code);
  if (code) return Error{ErrorCode::kInternal, "cannot make directory", part.string(), {}, code.message()};

  const std::string weights = !options.quant ? "bf16" : *options.quant == QuantFormat::kQ8 ? "q8" : "q4";
  ConvertRecipe* recipe = options.quant ? options.recipe : nullptr;
  const auto write = [&]() -> Result<void> {
    GATEHOUSE_TRY(CopyCompanions(options, *checkpoint, part));
    if (recipe != nullptr) GATEHOUSE_TRY(recipe->Begin(*checkpoint));
    const std::vector<Planned> plan = Plan(*checkpoint, options.quant, recipe);
    GATEHOUSE_TRY(WriteWeights(*checkpoint, plan, recipe, (part / kConvertedWeights).string(),
                               options.threads, progress));
    GATEHOUSE_TRY(WriteDescription(*checkpoint, plan, weights, part / "gatehouse.json"));
    return Publish(part, output);
  };
  Result<void> written = write();
  if (!written.ok()) fs::remove_all(part, code);
  return written;
}

}  // namespace gatehouse

#include "checkpoint/convert.h"

#include "base/error.h"
#include "base/input_file.h"
#include "base/output_file.h"
#include "base/thread_pool.h"
#include "checkpoint/companions.h"
#include "checkpoint/output_directory.h"
#include "checkpoint/pack.h"
#include "checkpoint/release_pages.h"
#include "formats/json.h"
#include "formats/safetensors.h"

namespace gatehouse {
namespace {

struct Planned {
  TensorSpec spec;
  DType dtype;
  bool packed;
  std::optional<QuantFormat> quant = {};
  bool transformed = false;

  const char* layout() const {
    for (const QuantLayout& layout : kQuantLayouts) {
      if (quant == layout.format && transformed == layout.transformed) return layout.name;
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
      if (quant && spec.may_round) {
        plan.back().quant = recipe == nullptr ? quant : recipe->FormatOf(spec.name, *quant);
        if (!plan.back().quant) continue;
        plan.back().dtype = DType::kU8;
        // docs/decisions/0015-turned-inputs.md
        plan.back().transformed = *plan.back().quant == QuantFormat::kQ8 || recipe != nullptr;
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
      GATEHOUSE_TRY(StreamQuant(view, *item.quant, item.transformed, name, pool, sink, &scales, round));
      GATEHOUSE_TRY(sink(std::as_bytes(std::span(scales))));
    } else {
      GATEHOUSE_TRY(item.packed ? StreamPacked(view, pool, sink) : StreamRows(view, item.dtype, sink));
    }
    // A slice of a fused tensor is not one stretch: its pages are its neighbours' too.
    if (checkpoint.stored().find(name)->second.order != StoredWeight::Order::kTransposed) {
      ReleasePages({stored.tensor().data, static_cast<size_t>(stored.tensor().bytes())});
    }
  }
  return writer.Finish();
}

Result<void> WriteDescription(const Checkpoint& checkpoint, const std::vector<Planned>& plan,
                              const std::string& weights, const std::string& path) {
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
  return WriteFile(path, root.dump(1) + "\n");
}

// Where it is there: one that cannot be read is an error.
Result<bool> CopyIfThere(const std::string& from, const std::string& to) {
  GATEHOUSE_ASSIGN(const bool there, IsThere(from, ErrorCode::kModel));
  if (there) GATEHOUSE_TRY(CopyFile(from, to, ErrorCode::kModel));
  return there;
}

// What the model was asked in training is known from its template alone, so that goes along.
Result<void> WriteChatTemplate(const ConvertOptions& options, const Checkpoint& checkpoint,
                               const std::string& to) {
  GATEHOUSE_ASSIGN(const std::optional<ChatTemplate> found,
                   ChatTemplateOf(options.adapter, options.input, checkpoint));
  return found ? WriteFile(to + "/chat_template.jinja", found->text) : Result<void>();
}

Result<void> CopyCompanions(const ConvertOptions& options, const Checkpoint& checkpoint,
                            const std::string& to) {
  if (checkpoint.kind() == Checkpoint::Kind::kHuggingFace) {
    for (const char* name : {"generation_config.json", "tokenizer.json", "tokenizer.model"})
      GATEHOUSE_TRY(CopyIfThere(checkpoint.path() + "/" + name, to + "/" + name));
  }
  if (options.tokenizer) {
    GATEHOUSE_ASSIGN(const std::string bytes, options.tokenizer(checkpoint));
    GATEHOUSE_TRY(WriteFile(to + "/tokenizer.bin", bytes));
  }
  if (!options.policy.empty()) return CopyFile(options.policy, to + "/policy.json", ErrorCode::kModel);
  for (const std::string& directory : CompanionDirectories(options.adapter, options.input, checkpoint)) {
    GATEHOUSE_ASSIGN(const bool found, CopyIfThere(directory + "/policy.json", to + "/policy.json"));
    if (found) return {};
  }
  return WriteChatTemplate(options, checkpoint, to);
}

}  // namespace

Result<void> Convert(const ConvertOptions& options, const ProgressCallback& progress) {
  // All that this writes: whatever else is in a directory is somebody's, who wants to keep it.
  static const std::vector<std::string> kNames = {
      "gatehouse.json", kConvertedWeights, "policy.json",   "generation_config.json",
      "tokenizer.json", "tokenizer.model", "tokenizer.bin", "chat_template.jinja"};
  GATEHOUSE_ASSIGN(OutputDirectory out,
                   OutputDirectory::Create(options.output, kNames, {options.input, options.adapter}));
  GATEHOUSE_ASSIGN(const std::unique_ptr<Checkpoint> checkpoint,
                   Checkpoint::Open(options.input, options.adapter));
  if (checkpoint->kind() == Checkpoint::Kind::kConverted) {
    return UsageError("nothing to convert", options.input, "a Hugging Face directory or a GGUF file",
                      "a converted model");
  }
  const std::string weights = !options.quant ? "bf16" : *options.quant == QuantFormat::kQ8 ? "q8" : "q4";
  ConvertRecipe* recipe = options.quant ? options.recipe : nullptr;
  GATEHOUSE_TRY(CopyCompanions(options, *checkpoint, out.part()));
  if (recipe != nullptr) GATEHOUSE_TRY(recipe->Begin(*checkpoint));
  const std::vector<Planned> plan = Plan(*checkpoint, options.quant, recipe);
  GATEHOUSE_TRY(WriteWeights(*checkpoint, plan, recipe, out.part() + "/" + kConvertedWeights, options.threads,
                             progress));
  GATEHOUSE_TRY(WriteDescription(*checkpoint, plan, weights, out.part() + "/gatehouse.json"));
  return out.Publish();
}

}  // namespace gatehouse

// Checkpoint::Open for directories that Convert wrote.
#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/mapped_file.h"
#include "checkpoint/convert.h"
#include "checkpoint/pack.h"
#include "checkpoint/weights.h"
#include "formats/json.h"
#include "formats/safetensors.h"

namespace gatehouse {
namespace {

constexpr size_t kMaxDescription = 64u << 20;

Result<std::vector<float>> ReadDivisors(const JsonFields& fields, const ModelConfig& config) {
  std::vector<float> out;
  const Json* list = fields.Find("rope_divisors");
  if (list == nullptr) return out;
  const std::string expected = std::to_string(config.head_dim / 2) + " positive numbers";
  if (!list->is_array() || static_cast<int64_t>(list->size()) != config.head_dim / 2) {
    return ModelError("bad value", fields.Where("rope_divisors"), expected, "something else");
  }
  for (const Json& item : *list) {
    const float value = item.is_number() ? item.get<float>() : 0.0f;
    if (!(value > 0.0f) || !std::isfinite(value))
      return ModelError("bad value", fields.Where("rope_divisors"), expected, item.dump());
    out.push_back(value);
  }
  return out;
}

// A shape whose packed or plain form can be the stored one.
Result<Shape> ReadShape(const Json& entry, const std::string& where, bool packed) {
  const auto list = entry.find("shape");
  Shape shape;
  if (list != entry.end() && list->is_array()) {
    for (const Json& extent : *list) {
      const bool good =
          extent.is_number_integer() && extent.get<int64_t>() >= 1 && extent.get<int64_t>() <= (1 << 24);
      shape.push_back(good ? extent.get<int64_t>() : 0);
    }
  }
  const bool right_rank = packed ? shape.size() == 2 : shape.size() == 1 || shape.size() == 2;
  if (!right_rank || std::find(shape.begin(), shape.end(), 0) != shape.end()) {
    return ModelError("bad shape", where, packed ? "two sizes" : "one or two sizes",
                      entry.dump().substr(0, 80));
  }
  return shape;
}

bool FindQuantLayout(const std::string& layout, StoredWeight* stored) {
  for (const QuantLayout& known : kQuantLayouts) {
    if (layout != known.name) continue;
    stored->quant = known.format;
    stored->transformed = known.transformed;
    return true;
  }
  return false;
}

// The two tensors of a rounded weight.
Result<void> FindQuant(const SafetensorsFile& file, const std::string& path, const std::string& name,
                       StoredWeight* stored) {
  const auto find = [&](const std::string& tensor, DType dtype, const Shape& shape,
                        size_t alignment) -> Result<TensorView> {
    const TensorView* view = file.Find(tensor);
    if (view == nullptr || view->dtype != dtype || view->shape != shape) {
      return ModelError("tensor is not as described", path + ", tensor '" + tensor + "'",
                        DTypeName(dtype) + (" " + ShapeString(shape)),
                        view == nullptr ? "none" : DTypeName(view->dtype) + (" " + ShapeString(view->shape)));
    }
    if (reinterpret_cast<uintptr_t>(view->data) % alignment != 0)
      return ModelError("tensor is not aligned", path + ", tensor '" + tensor + "'",
                        "a multiple of " + std::to_string(alignment) + " bytes", "another place");
    return *view;
  };
  const int64_t rows = stored->shape[0], cols = stored->shape[1];
  GATEHOUSE_ASSIGN(stored->tensor, find(name, DType::kU8, QuantShape(stored->quant, rows, cols), 4));
  GATEHOUSE_ASSIGN(stored->scales, find(name + kScalesSuffix, DType::kF32, QuantScalesShape(rows, cols), 4));
  // Scales are not read here, or loading would no longer be a map: one that is no number makes logits that
  // are none, and a verdict of "unknown".
  stored->file = path;
  stored->order = StoredWeight::Order::kQuant;
  return {};
}

}  // namespace

Result<void> Checkpoint::OpenConverted() {
  const std::string path = path_ + "/gatehouse.json";
  GATEHOUSE_ASSIGN(const std::string text, ReadFile(path, kMaxDescription, ErrorCode::kModel));
  GATEHOUSE_ASSIGN(const Json root, ParseJson(text, path, ErrorCode::kModel, kManyMembers));
  if (!root.is_object()) return ModelError("bad description", path, "a JSON object", root.type_name());
  const JsonFields fields(root, path);
  GATEHOUSE_ASSIGN(const std::string format, fields.String("format", std::nullopt));
  GATEHOUSE_ASSIGN(const int version, fields.Int("version", std::nullopt, 0, 1 << 20));
  GATEHOUSE_ASSIGN(const std::string weights, fields.String("weights", std::nullopt));
  const int due = weights == "bf16" ? kConvertedVersion : kRoundedVersion;
  if (format != "gatehouse" || version != due || (weights != "bf16" && weights != "q8" && weights != "q4")) {
    return ModelError("another format of converted models: convert it again", path,
                      "gatehouse " + std::to_string(kConvertedVersion) + ", bf16, or " +
                          std::to_string(kRoundedVersion) + ", q8 or q4",
                      format.substr(0, 40) + " " + std::to_string(version) + ", " + weights.substr(0, 40));
  }
  const Json* config = fields.Find("config");
  const Json* tensors = fields.Find("tensors");
  if (config == nullptr || tensors == nullptr || !tensors->is_object()) {
    return ModelError("bad description", path, "config and tensors", "not both");
  }
  GATEHOUSE_ASSIGN(config_, ParseModelConfig(config->dump(-1, ' ', true, Json::error_handler_t::replace),
                                             path + ", config"));
  GATEHOUSE_ASSIGN(config_.rope_divisors, ReadDivisors(fields, config_));

  const std::string file_path = path_ + "/" + kConvertedWeights;
  GATEHOUSE_ASSIGN(SafetensorsFile opened, SafetensorsFile::Open(file_path));
  const auto file = std::make_shared<SafetensorsFile>(std::move(opened));
  owner_ = file;
  size_t scales = 0;
  for (const auto& [name, entry] : tensors->items()) {
    const std::string where = path + ", tensor '" + name + "'";
    const auto layout = entry.is_object() ? entry.find("layout") : entry.end();
    StoredWeight stored;
    const bool is_text = entry.is_object() && layout != entry.end() && layout->is_string();
    const bool packed = is_text && *layout == "packed";
    const bool quant = is_text && FindQuantLayout(layout->get<std::string>(), &stored);
    if (!quant && !packed && !(is_text && *layout == "rows"))
      return ModelError("bad layout", where, "packed, rows, q8, q4 or q4-turned", "something else");
    GATEHOUSE_ASSIGN(stored.shape, ReadShape(entry, where, packed || quant));
    if (quant) {
      GATEHOUSE_TRY(FindQuant(*file, file_path, name, &stored));
      ++scales;
      stored_.emplace(name, std::move(stored));
      continue;
    }
    const TensorView* view = file->Find(name);
    const Shape expected = packed ? PackedShape(stored.shape[0], stored.shape[1]) : stored.shape;
    const bool right_type =
        view != nullptr && (view->dtype == DType::kBF16 || (!packed && view->dtype == DType::kF32));
    if (view == nullptr || view->shape != expected || !right_type) {
      return ModelError("tensor is not as described", file_path + ", tensor '" + name + "'",
                        "BF16 " + ShapeString(expected),
                        view == nullptr ? "none" : DTypeName(view->dtype) + (" " + ShapeString(view->shape)));
    }
    stored.tensor = *view;
    stored.file = file_path;
    stored.order = packed ? StoredWeight::Order::kPacked : StoredWeight::Order::kRows;
    stored_.emplace(name, std::move(stored));
  }
  if (stored_.size() + scales != file->tensors().size()) {
    return ModelError("unexpected tensor", file_path,
                      std::to_string(stored_.size() + scales) + " tensors, as described",
                      std::to_string(file->tensors().size()));
  }
  return {};
}

}  // namespace gatehouse

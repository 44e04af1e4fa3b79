#include "checkpoint/weights.h"

#include <algorithm>
#include <cstdint>

#include "base/error.h"
#include "checkpoint/model_path.h"

namespace gatehouse {
namespace {

using Order = StoredWeight::Order;

int64_t UnitBytes(DType dtype) { return BlockOf(dtype).bytes; }

// Rows first .. first + count of a transposed slice: row r is a column of the stored matrix.
void ReadTransposed(const StoredWeight& stored, int64_t first, int64_t count, float* out) {
  const int64_t cols = stored.shape[1];
  std::vector<float> column(static_cast<size_t>(count));
  TensorView flat{stored.tensor.dtype, {cols * stored.row_stride}, stored.tensor.data};
  for (int64_t k = 0; k < cols; ++k) {
    WidenScaled(flat, k * stored.row_stride + first, count, column.data());
    for (int64_t i = 0; i < count; ++i) out[i * cols + k] = column[static_cast<size_t>(i)];
  }
}

void ReadUnscaled(const StoredWeight& stored, int64_t first, int64_t count, float* out) {
  const int64_t cols = stored.shape.back();
  switch (stored.order) {
    case Order::kTransposed:
      return ReadTransposed(stored, first, count, out);
    case Order::kRotary:
      for (int64_t i = 0; i < count; ++i) {
        ToFloat(stored.tensor, GgufRopeRow(first + i, stored.head_dim) * cols, cols, out + i * cols);
      }
      return;
    case Order::kRows:
    case Order::kPacked:
    case Order::kQuant:
      WidenScaled(stored.tensor, first * cols, count * cols, out);
      return;
  }
}

void ReadStored(const StoredWeight& stored, int64_t first, int64_t count, float* out) {
  ReadUnscaled(stored, first, count, out);
  if (stored.scale) ScaleRows(*stored.scale, first, count, stored.shape.back(), out);
}

// Vector loads of BF16 and F32 rows want whole elements; a file may place its data at any byte.
bool Aligned(const TensorView& tensor) {
  const auto address = reinterpret_cast<uintptr_t>(tensor.data);
  return BlockOf(tensor.dtype).values != 1 || address % static_cast<uintptr_t>(UnitBytes(tensor.dtype)) == 0;
}

bool IsWeightType(DType dtype) {
  if (dtype == DType::kF8_E4M3) return false;  // means nothing without a scale
  float value[256];
  static constexpr std::byte zeros[256] = {};
  // ToFloat says which types it widens.
  return ToFloat({dtype, {BlockOf(dtype).values}, zeros}, 0, BlockOf(dtype).values, value);
}

}  // namespace

Result<std::unique_ptr<Checkpoint>> Checkpoint::Open(const std::string& path, const std::string& adapter) {
  GATEHOUSE_ASSIGN(const bool is_adapter, IsAdapterDirectory(path));
  if (is_adapter) {
    if (!adapter.empty())
      return ModelError("two adapters", path, "a model, since an adapter is given too",
                        "an adapter's directory");
    GATEHOUSE_ASSIGN(const std::string base, BaseOfAdapter(path));
    GATEHOUSE_ASSIGN(const bool chained, IsAdapterDirectory(base));
    if (chained) return ModelError("an adapter of an adapter", path, "a model as its base", "'" + base + "'");
    return Open(base, path);
  }
  std::unique_ptr<Checkpoint> checkpoint(new Checkpoint());
  GATEHOUSE_ASSIGN(const ModelPath found, FindModel(path));
  checkpoint->path_ = found.path;
  checkpoint->kind_ = found.kind;
  if (!adapter.empty()) {
    if (checkpoint->kind_ == Kind::kConverted) {
      return UsageError("an adapter cannot be merged into a converted model", path,
                        "the model it was converted from", adapter);
    }
    GATEHOUSE_ASSIGN(checkpoint->adapter_, Adapter::Open(adapter));
  }
  switch (checkpoint->kind_) {
    case Kind::kHuggingFace:
      GATEHOUSE_TRY(checkpoint->OpenHuggingFace());
      break;
    case Kind::kGguf:
      GATEHOUSE_TRY(checkpoint->OpenGguf());
      break;
    case Kind::kConverted:
      GATEHOUSE_TRY(checkpoint->OpenConverted());
      break;
  }
  GATEHOUSE_TRY(checkpoint->TakeSaved());
  GATEHOUSE_TRY(checkpoint->CheckAll());
  GATEHOUSE_TRY(checkpoint->CheckAdapter());
  return checkpoint;
}

Result<void> Checkpoint::CheckAll() const {
  std::map<std::string, const TensorSpec*, std::less<>> wanted;
  const std::vector<TensorSpec> specs = ListTensors(config_);
  for (const TensorSpec& spec : specs) {
    wanted[spec.name] = &spec;
    const auto found = stored_.find(spec.name);
    if (found == stored_.end()) {
      return ModelError("tensor missing", path_, "'" + spec.name + "' " + ShapeString(spec.shape), "none");
    }
    const StoredWeight& stored = found->second;
    const std::string where = stored.file + ", tensor '" + spec.name + "'";
    if (stored.shape != spec.shape) {
      return ModelError("wrong shape", where, ShapeString(spec.shape), ShapeString(stored.shape));
    }
    if (stored.order == Order::kQuant) {
      if (spec.role != TensorSpec::Role::kLinear)
        return ModelError("bad layout", where, "rounded panels for products' weights alone", "otherwise");
      continue;
    }
    if (!stored.scale && !IsWeightType(stored.tensor.dtype)) {
      return ModelError("wrong dtype", where,
                        "F32, F16 or BF16; F8_E4M3 where quantization_config speaks of scales",
                        DTypeName(stored.tensor.dtype));
    }
    if (stored.scale && spec.role != TensorSpec::Role::kLinear && spec.role != TensorSpec::Role::kEmbedding)
      return ModelError("wrong dtype", where, "F32, F16 or BF16", DTypeName(stored.tensor.dtype));
    if (stored.order == Order::kPacked &&
        (spec.role != TensorSpec::Role::kLinear || !Aligned(stored.tensor))) {
      return ModelError("bad layout", where, "packed for products' weights alone, and aligned", "otherwise");
    }
  }
  for (const auto& [name, stored] : stored_) {
    if (wanted.count(name) == 0) {
      return ModelError("unexpected tensor", stored.file, "only tensors that the configuration calls for",
                        "'" + name + "'");
    }
  }
  return {};
}

// Whole weights of the adapter take the base's place; what it adds by LoRA is added to them.
Result<void> Checkpoint::TakeSaved() {
  if (!adapter_) return {};
  for (const auto& [name, view] : adapter_->saved()) {
    const auto found = stored_.find(name);
    const std::string where = adapter_->directory() + ", tensor '" + name + "'";
    if (found == stored_.end())
      return ModelError("adapter does not fit the model", where, "a weight of the model",
                        "none of that name");
    if (found->second.shape != view.shape)
      return ModelError("adapter does not fit the model", where, ShapeString(found->second.shape),
                        ShapeString(view.shape));
    StoredWeight stored;
    stored.tensor = view;
    stored.file = adapter_->directory();
    stored.shape = view.shape;
    found->second = std::move(stored);
  }
  // A head or a table of its own is no longer the other one.
  for (const std::string_view name : {NameOf(Weight::kHead), NameOf(Weight::kEmbedding)}) {
    if (adapter_->Find(name) != nullptr || adapter_->saved().count(name) > 0) config_.tied = false;
  }
  owner_ = std::make_shared<std::pair<std::shared_ptr<const void>, std::shared_ptr<const Adapter>>>(owner_,
                                                                                                    adapter_);
  return {};
}

Result<void> Checkpoint::CheckAdapter() const {
  if (!adapter_) return {};
  for (const auto& [name, delta] : adapter_->deltas()) {
    const std::string where = adapter_->directory() + ", module '" + name + "'";
    const auto found = stored_.find(name);
    if (found == stored_.end())
      return ModelError("adapter does not fit the model", where, "a module of the model",
                        "none of that name");
    if (found->second.shape != Shape{delta.rows, delta.cols}) {
      return ModelError("adapter does not fit the model", where, ShapeString(found->second.shape),
                        ShapeString({delta.rows, delta.cols}));
    }
  }
  return {};
}

Result<WeightView> Checkpoint::Get(const std::string& name, const Shape& shape) const {
  const auto found = stored_.find(name);
  if (found == stored_.end())
    return ModelError("tensor missing", path_, "'" + name + "' " + ShapeString(shape), "none");
  const StoredWeight& stored = found->second;
  if (stored.shape != shape) {
    return ModelError("wrong shape", stored.file + ", tensor '" + name + "'", ShapeString(shape),
                      ShapeString(stored.shape));
  }
  WeightView view;
  view.rows = shape.size() == 1 ? 1 : shape[0];
  view.cols = shape.back();
  view.owner = owner_;
  const LoraDelta* delta = adapter_ ? adapter_->Find(name) : nullptr;
  if (stored.order == Order::kQuant) {
    view.storage = RoundedPanels{stored.quant, stored.transformed, stored.tensor, stored.scales};
  } else if (stored.order == Order::kPacked) {
    view.storage = PackedPanels{stored.tensor};
  } else if (stored.order == Order::kRows && delta == nullptr && !stored.scale && Aligned(stored.tensor)) {
    view.storage = PlainRows{stored.tensor};
  } else {
    const auto read = [stored, delta, adapter = adapter_, owner = owner_](int64_t first, int64_t count,
                                                                          float* out) {
      ReadStored(stored, first, count, out);
      if (delta != nullptr) delta->MergeRows(first, count, out);
    };
    view.storage = ComputedRows{read, stored.tensor};
  }
  return view;
}

}  // namespace gatehouse

// Checkpoint::Open for published Hugging Face directories.
#include <algorithm>
#include <cstring>
#include <optional>

#include "base/error.h"
#include "base/log.h"
#include "base/mapped_file.h"
#include "checkpoint/canonical_name.h"
#include "checkpoint/release_pages.h"
#include "checkpoint/weights.h"
#include "formats/json.h"
#include "formats/tensor_source.h"

namespace gatehouse {
namespace {

constexpr size_t kMaxConfig = 4u << 20;

// What a model says ends a generation is in generation_config.json, where there is one.
Result<void> ReadStops(const std::string& path, ModelConfig* config) {
  GATEHOUSE_ASSIGN(const std::optional<std::string> text,
                   ReadFileIfThere(path, kMaxConfig, ErrorCode::kModel));
  if (!text) return {};
  GATEHOUSE_ASSIGN(const Json root, ParseJson(*text, path, ErrorCode::kModel, kManyMembers));
  const auto found = root.is_object() ? root.find("eos_token_id") : root.end();
  if (!root.is_object() || found == root.end() || found->is_null()) return {};
  std::vector<int32_t> ids;
  const Json list = found->is_array() ? *found : Json::array({*found});
  for (const Json& id : list) {
    if (!id.is_number_integer() || id.get<int64_t>() < 0 || id.get<int64_t>() >= config->vocab) {
      return ModelError("bad value", path + ", eos_token_id",
                        "token ids below " + std::to_string(config->vocab), id.dump());
    }
    ids.push_back(id.get<int32_t>());
  }
  config->eos = ids;
  return {};
}

// Whether two tensors hold the same numbers; reads piece by piece and keeps nothing of them in memory.
bool SameValues(const TensorView& a, const TensorView& b) {
  if (a.shape != b.shape) return false;
  constexpr int64_t kPiece = 1 << 16;
  const BlockInfo block = BlockOf(a.dtype);
  std::vector<float> left, right;
  for (int64_t at = 0; at < a.elements(); at += kPiece) {
    const int64_t count = std::min(kPiece, a.elements() - at);
    if (a.dtype == b.dtype && block.values == 1) {
      const auto offset = at * block.bytes;
      const auto bytes = static_cast<size_t>(count * block.bytes);
      if (std::memcmp(a.data + offset, b.data + offset, bytes) != 0) return false;
      ReleasePages({b.data + offset, bytes});
      continue;
    }
    left.resize(static_cast<size_t>(count));
    right.resize(left.size());
    if (!ToFloat(a, at, count, left.data()) || !ToFloat(b, at, count, right.data()) || left != right)
      return false;
  }
  return true;
}

}  // namespace

// One tensor for all experts of a layer, inputs first: each expert's part of it is read transposed.
Result<void> Checkpoint::AddFusedExperts(const FusedExperts& fused, const std::string& name,
                                         const TensorView& view, const std::string& file) {
  if (view.shape != fused.shape) {
    return ModelError("wrong shape", file + ", tensor '" + name + "'", ShapeString(fused.shape),
                      ShapeString(view.shape));
  }
  const int64_t inputs = fused.shape[1], stride = fused.shape[2], element = BlockOf(view.dtype).bytes;
  for (int expert = 0; expert < config_.experts; ++expert) {
    for (const FusedExperts::Slice& slice : fused.slices) {
      TensorSpec spec = SpecOf(config_, {slice.weight, fused.layer, expert});
      StoredWeight stored;
      stored.tensor = {
          view.dtype, {inputs, stride}, view.data + (expert * inputs * stride + slice.first) * element};
      stored.file = file;
      stored.order = StoredWeight::Order::kTransposed;
      stored.shape = spec.shape;
      stored.row_stride = stride;
      if (!stored_.emplace(spec.name, std::move(stored)).second)
        return ModelError("tensor occurs twice", file, "each once", "'" + spec.name + "'");
    }
  }
  return {};
}

Result<void> Checkpoint::OpenHuggingFace() {
  const std::string config_path = path_ + "/config.json";
  GATEHOUSE_ASSIGN(const std::string text, ReadFile(config_path, kMaxConfig, ErrorCode::kModel));
  GATEHOUSE_ASSIGN(config_, ParseModelConfig(text, config_path));
  GATEHOUSE_TRY(ReadStops(path_ + "/generation_config.json", &config_));
  GATEHOUSE_ASSIGN(const TensorSource source, TensorSource::Open(path_));
  owner_ = source.owner();
  for (FusedExperts& fused : ListFusedExperts(config_)) fused_.emplace(fused.name, std::move(fused));
  for (const auto& [name, view] : source.tensors()) {
    if (name.ends_with("rotary_emb.inv_freq"))
      continue;  // a buffer that old files carry; it follows from the config
    const std::string own = CanonicalName(name), file = source.FileOf(name);
    if (const auto fused = fused_.find(own); fused != fused_.end()) {
      GATEHOUSE_TRY(AddFusedExperts(fused->second, own, view, file));
      continue;
    }
    StoredWeight stored;
    stored.tensor = view;
    stored.file = file;
    stored.shape = view.shape;
    if (!stored_.emplace(own, std::move(stored)).second) {
      return ModelError("tensor occurs twice", file, "each once", "'" + own + "' in two spellings");
    }
  }
  GATEHOUSE_TRY(AttachScales());
  return ChooseHead();
}

// A tied head is the embedding table. Files may hold one beside it all the same: mostly a copy, but after a
// merge or a training that parted them it is the head, whatever the config still says.
Result<void> Checkpoint::ChooseHead() {
  if (!config_.tied) return {};
  const auto table = stored_.find(NameOf(Weight::kEmbedding)), head = stored_.find(NameOf(Weight::kHead));
  if (table == stored_.end()) return {};  // missed by the check of all tensors
  const auto same = [](const StoredWeight& a, const StoredWeight& b) {
    return a.scale.has_value() == b.scale.has_value() &&
           (!a.scale || SameValues(a.scale->factors, b.scale->factors)) && SameValues(a.tensor, b.tensor);
  };
  if (head == stored_.end() || same(table->second, head->second)) {
    stored_.insert_or_assign(std::string(NameOf(Weight::kHead)), table->second);
    return {};
  }
  config_.tied = false;
  Log(LogLevel::kWarn,
      path_ + "/config.json: tie_word_embeddings is true, but " + head->second.file +
          " has an lm_head.weight that is not the embedding table: the file's own head is used");
  return {};
}

}  // namespace gatehouse

// Checkpoint::Open for published Hugging Face directories.
#include <algorithm>
#include <cstring>
#include <optional>

#include "base/error.h"
#include "base/log.h"
#include "base/mapped_file.h"
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

// [experts, hidden, 2 * ffn] gate and up, or [experts, ffn, hidden] down: inputs first, so each expert is
// transposed.
Result<void> Checkpoint::AddFusedExperts(const std::string& name, const TensorView& view,
                                         const std::string& file) {
  const bool down = name.ends_with("down_proj");
  const int64_t ffn = config_.ffn_expert, hidden = config_.hidden;
  const Shape expected = down ? Shape{config_.experts, ffn, hidden} : Shape{config_.experts, hidden, 2 * ffn};
  if (view.shape != expected) {
    return ModelError("wrong shape", file + ", tensor '" + name + "'", ShapeString(expected),
                      ShapeString(view.shape));
  }
  const std::string prefix = name.substr(0, name.find_last_of('.') + 1);
  const int64_t stride = expected[2], element = BlockOf(view.dtype).bytes;
  const auto add = [&](int64_t expert, const char* part, int64_t rows, int64_t first_row) -> Result<void> {
    StoredWeight stored;
    stored.tensor = {
        view.dtype, {expected[1], stride}, view.data + (expert * expected[1] * stride + first_row) * element};
    stored.file = file;
    stored.order = StoredWeight::Order::kTransposed;
    stored.shape = {rows, expected[1]};
    stored.row_stride = stride;
    const std::string own = prefix + std::to_string(expert) + "." + part + ".weight";
    if (!stored_.emplace(own, std::move(stored)).second)
      return ModelError("tensor occurs twice", file, "each once", "'" + own + "'");
    return {};
  };
  for (int64_t expert = 0; expert < config_.experts; ++expert) {
    if (down) {
      GATEHOUSE_TRY(add(expert, "down_proj", hidden, 0));
    } else {
      GATEHOUSE_TRY(add(expert, "gate_proj", ffn, 0));
      GATEHOUSE_TRY(add(expert, "up_proj", ffn, ffn));
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
  for (const auto& [name, view] : source.tensors()) {
    if (name.ends_with("rotary_emb.inv_freq"))
      continue;  // a buffer that old files carry; it follows from the config
    const std::string own = CanonicalName(name), file = source.FileOf(name);
    if (own.ends_with(".experts.gate_up_proj") || own.ends_with(".experts.down_proj")) {
      GATEHOUSE_TRY(AddFusedExperts(own, view, file));
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
  const auto table = stored_.find("model.embed_tokens.weight"), head = stored_.find("lm_head.weight");
  if (table == stored_.end()) return {};  // missed by the check of all tensors
  const auto same = [](const StoredWeight& a, const StoredWeight& b) {
    return a.scale.has_value() == b.scale.has_value() &&
           (!a.scale || SameValues(a.scale->factors, b.scale->factors)) && SameValues(a.tensor, b.tensor);
  };
  if (head == stored_.end() || same(table->second, head->second)) {
    stored_.insert_or_assign("lm_head.weight", table->second);
    return {};
  }
  config_.tied = false;
  Log(LogLevel::kWarn,
      path_ + "/config.json: tie_word_embeddings is true, but " + head->second.file +
          " has an lm_head.weight that is not the embedding table: the file's own head is used");
  return {};
}

}  // namespace gatehouse

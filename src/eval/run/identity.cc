#include <algorithm>
#include <filesystem>
#include <span>

#include "base/error.h"
#include "base/input_file.h"
#include "base/mapped_file.h"
#include "checkpoint/adapter.h"
#include "checkpoint/model_path.h"
#include "eval/run/build_report.h"
#include "eval/run/identity_parts.h"
#include "eval/run/runner.h"
#include "formats/gguf_split.h"
#include "formats/json.h"
#include "formats/sha256.h"
#include "guard/guard_impl.h"

namespace gatehouse {
namespace {

constexpr size_t kBeginning = 1 << 20;
constexpr size_t kMaxIdentity = 16u << 20;

// The file, or a directory's files, by name.
Result<std::vector<std::string>> FilesOf(const std::string& path) {
  namespace fs = std::filesystem;
  std::error_code code;
  if (!fs::is_directory(path, code)) {
    const auto split = SplitNameOf(path);
    if (!split) return std::vector<std::string>{path};
    std::vector<std::string> parts;  // whichever was named, all are read
    for (int64_t part = 1; part <= split->count; ++part) parts.push_back(SplitPath(*split, part));
    return parts;
  }
  std::vector<std::string> out;
  fs::directory_iterator entries(path, code);
  for (; !code && entries != fs::directory_iterator(); entries.increment(code)) {
    std::error_code of_entry;
    if (entries->is_regular_file(of_entry)) out.push_back(entries->path().string());
  }
  if (code) return ModelError("cannot read directory", path, "a readable directory", code.message());
  std::sort(out.begin(), out.end());
  return out;
}

// kSpread blocks between the beginning and the end of a file, the last one included.
Result<void> AddSpread(const std::string& path, uintmax_t size, Sha256* hash) {
  constexpr uintmax_t kSpread = 256, kBlock = 16 << 10;
  GATEHOUSE_ASSIGN(const MappedFile file, MappedFile::Open(path));
  if (file.bytes().size() != size)
    return ModelError("file changes while it is read", path, "one size", "two");
  const uintmax_t last = size - std::min(size, kBlock);
  for (uintmax_t i = 1; i <= kSpread; ++i) {
    const auto at = static_cast<size_t>(last / kSpread * i + last % kSpread * i / kSpread);
    hash->Update(file.bytes().subspan(at, std::min<size_t>(kBlock, file.bytes().size() - at)));
  }
  return {};
}

// Weights are many gigabytes. Their sizes and beginnings (headers, with every offset) tell architectures
// apart, blocks spread evenly from there to the end one training from another.
Result<std::string> FingerprintOf(const std::string& path) {
  Sha256 hash;
  std::string block(kBeginning, '\0');
  GATEHOUSE_ASSIGN(const std::vector<std::string> files, FilesOf(path));
  for (const std::string& file : files) {
    std::error_code code;
    const uintmax_t size = std::filesystem::file_size(file, code);
    if (code) return ModelError("cannot read file", file, "a readable file", code.message());
    GATEHOUSE_ASSIGN(InputFile in, InputFile::Open(file, ErrorCode::kModel));
    const std::string head = file.substr(file.rfind('/') + 1) + "\n" + std::to_string(size) + "\n";
    hash.Update(std::as_bytes(std::span(head)));
    for (size_t at = 0; at < block.size();) {
      GATEHOUSE_ASSIGN(const size_t count, in.Read(block.data() + at, block.size() - at));
      if (count == 0) break;
      hash.Update(std::as_bytes(std::span(block)).subspan(at, count));
      at += count;
    }
    if (size > kBeginning) GATEHOUSE_TRY(AddSpread(file, size, &hash));
  }
  return hash.Hex();
}

Json RequestJson(const ClassifyOptions& request) {
  Json out = Json::object();
  Json custom = Json::object();
  for (const auto& [key, text] : request.categories) custom[key] = text;
  out["categories"] = custom;
  out["keys"] = request.keys;
  out["exclude"] = request.exclude;
  const Thresholds& own = request.thresholds;
  if (own.replaces) out["threshold"] = own.overall ? Json(*own.overall) : Json();
  for (const auto& [key, value] : own.categories) out["thresholds"][key] = value;
  out["decision"] = request.greedy_decision ? "greedy" : "score";
  out["long"] = request.refuse_long ? "error" : "windows";
  out["max_prompt_tokens"] = request.max_prompt_tokens;
  out["max_windows"] = request.max_windows;
  out["normalize"] = request.normalise;
  return out;
}

std::optional<double> NumberOf(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_number() ? std::optional(found->get<double>()) : std::nullopt;
}

// A member that is an object; an empty one where there is none.
Json ObjectOf(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_object() ? *found : Json::object();
}

void TakeThresholds(const Json& thresholds, ReportOptions* out) {
  for (const auto& [category, value] : thresholds.items()) {
    if (value.is_number()) out->category_thresholds.emplace_back(category, value.get<double>());
  }
}

}  // namespace

Result<void> ReadIdentity(const std::string& path, ReportOptions* out) {
  GATEHOUSE_ASSIGN(const std::optional<std::string> text, ReadFileIfThere(path, kMaxIdentity));
  if (!text) return {};
  GATEHOUSE_ASSIGN(const Json root, ParseJson(*text, path, ErrorCode::kBadInput));
  if (!root.is_object())
    return BadInput("malformed description of a run", path, "an object", root.type_name());
  const auto take_text = [&](const char* key, std::string* to) {
    const auto found = root.find(key);
    if (found != root.end() && found->is_string()) *to = found->get<std::string>();
  };
  take_text("model", &out->model);
  take_text("policy", &out->policy);
  for (const char* part : {"model_fingerprint", "adapter_fingerprint", "policy_text"}) {
    std::string value;
    take_text(part, &value);
    out->fingerprint += value + " ";
  }
  const Json request = ObjectOf(root, "request"), calibration = ObjectOf(root, "calibration");
  out->threshold =
      request.contains("threshold") ? NumberOf(request, "threshold") : NumberOf(root, "policy_threshold");
  TakeThresholds(ObjectOf(request, "thresholds"), out);
  if (out->category_thresholds.empty()) TakeThresholds(ObjectOf(root, "policy_thresholds"), out);
  out->calibration = {NumberOf(calibration, "scale").value_or(1), NumberOf(calibration, "bias").value_or(0)};
  const Json names = ObjectOf(root, "categories");
  for (const auto& [key, name] : names.items()) {
    if (name.is_string()) out->category_names.emplace_back(key, name.get<std::string>());
  }
  const auto data = root.find("data");
  if (data == root.end() || !data->is_array()) return {};
  for (const Json& one : *data) {
    if (one.is_object() && one.contains("file") && one["file"].is_string())
      out->data += (out->data.empty() ? "" : ", ") + one["file"].get<std::string>();
  }
  return {};
}

Result<std::string> ModelFingerprint(const std::string& path) {
  GATEHOUSE_ASSIGN(const bool is_adapter, IsAdapterDirectory(path));
  if (is_adapter) {
    GATEHOUSE_ASSIGN(const std::string base, BaseOfAdapter(path));
    GATEHOUSE_ASSIGN(const std::string below, ModelFingerprint(base));
    GATEHOUSE_ASSIGN(const std::string own, FingerprintOf(path));
    return own + " on " + below;
  }
  GATEHOUSE_ASSIGN(const ModelPath found, FindModel(path));
  return FingerprintOf(found.path);
}

Result<std::string> IdentityOf(const GuardOptions& guard_options, const Guard& guard,
                               const RunOptions& options) {
  GATEHOUSE_ASSIGN(const Json data, DataFingerprints(options.data));
  const Json where = WhereOf(options.selection.where);
  const Policy& policy = guard.policy()->policy;
  Json names = Json::object();
  for (const Category& category : policy.categories) names[category.key] = category.name;
  Json thresholds = Json::object();
  for (const Category& category : policy.categories) {
    if (category.threshold) thresholds[category.key] = *category.threshold;
  }
  GATEHOUSE_ASSIGN(const std::string model_fingerprint, ModelFingerprint(guard_options.model));
  std::string adapter_fingerprint;
  if (!guard_options.adapter.empty()) {
    GATEHOUSE_ASSIGN(adapter_fingerprint, FingerprintOf(guard_options.adapter));
  }
  Json out = {{"model", guard.model_name()},
              {"model_fingerprint", model_fingerprint},
              {"adapter_fingerprint", adapter_fingerprint},
              {"computing", ComputingOf(guard_options)},
              {"policy", policy.name},
              {"policy_text", PolicyFingerprint(policy)},
              {"policy_threshold", policy.threshold ? Json(*policy.threshold) : Json()},
              {"policy_thresholds", thresholds},
              {"calibration", {{"scale", policy.calibration_scale}, {"bias", policy.calibration_bias}}},
              {"categories", names},
              {"request", RequestJson(options.request)},
              {"data", data},
              {"where", where},
              {"sample", options.selection.sample},
              {"seed", options.selection.seed}};
  if (!options.prepared_by.empty()) out["prepared_by"] = options.prepared_by;
  return out.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace gatehouse

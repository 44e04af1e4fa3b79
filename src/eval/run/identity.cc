#include <dirent.h>
#include <sys/stat.h>

#include <algorithm>
#include <fstream>
#include <span>

#include "base/error.h"
#include "eval/run/runner.h"
#include "formats/json.h"
#include "formats/sha256.h"
#include "guard/guard_impl.h"

namespace gatehouse {
namespace {

constexpr size_t kBeginning = 1 << 20;

std::vector<std::string> FilesOf(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return {};
  if (!S_ISDIR(info.st_mode)) return {path};
  std::vector<std::string> out;
  if (DIR* directory = ::opendir(path.c_str())) {
    while (const dirent* entry = ::readdir(directory)) {
      const std::string name = path + "/" + entry->d_name;
      if (::stat(name.c_str(), &info) == 0 && S_ISREG(info.st_mode)) out.push_back(name);
    }
    ::closedir(directory);
  }
  std::sort(out.begin(), out.end());
  return out;
}

// Weights are many gigabytes: their sizes and beginnings (headers, with every offset) tell checkpoints apart.
std::string FingerprintOf(const std::string& path) {
  Sha256 hash;
  std::string block(kBeginning, '\0');
  for (const std::string& file : FilesOf(path)) {
    struct stat info {};
    ::stat(file.c_str(), &info);
    std::ifstream in(file, std::ios::binary);
    in.read(block.data(), static_cast<std::streamsize>(block.size()));
    const std::string head = file.substr(file.rfind('/') + 1) + "\n" + std::to_string(info.st_size) + "\n";
    hash.Update(std::as_bytes(std::span(head)));
    hash.Update(std::as_bytes(std::span(block.data(), static_cast<size_t>(in.gcount()))));
  }
  return hash.Hex();
}

Result<std::string> HashOfData(const std::string& path) {
  Result<std::string> hash = Sha256OfFile(path);
  if (hash.ok()) return hash;
  Error error = hash.error();
  error.code = ErrorCode::kBadInput;
  return error;
}

Json RequestJson(const ClassifyOptions& request) {
  Json out = Json::object();
  Json custom = Json::object();
  for (const auto& [key, text] : request.categories) custom[key] = text;
  out["categories"] = custom;
  out["keys"] = request.keys;
  out["exclude"] = request.exclude;
  if (request.replace_threshold) out["threshold"] = request.threshold ? Json(*request.threshold) : Json();
  for (const auto& [key, value] : request.category_thresholds) out["thresholds"][key] = value;
  out["decision"] = request.greedy_decision ? "greedy" : "score";
  return out;
}

}  // namespace

Result<std::string> IdentityOf(const GuardOptions& guard_options, const Guard& guard,
                               const RunOptions& options) {
  Json data = Json::array();
  for (const DatasetReader::Input& input : options.data) {
    GATEHOUSE_ASSIGN(const std::string hash, HashOfData(input.path));
    Json map = Json::object();
    for (const auto& [ours, theirs] : input.format.map) map[ours] = theirs;
    data.push_back({{"file", input.path.substr(input.path.rfind('/') + 1)},
                    {"sha256", hash},
                    {"format", input.format.format},
                    {"map", map}});
  }
  Json where = Json::object();
  for (const auto& [key, value] : options.selection.where) where[key] = value;
  const Policy& policy = guard.impl().policy;
  Json names = Json::object();
  for (const Category& category : policy.categories) names[category.key] = category.name;
  Json thresholds = Json::object();
  for (const Category& category : policy.categories) {
    if (category.threshold) thresholds[category.key] = *category.threshold;
  }
  const Json out = {
      {"model", guard.model_name()},
      {"model_fingerprint", FingerprintOf(guard_options.model)},
      {"adapter_fingerprint", guard_options.adapter.empty() ? "" : FingerprintOf(guard_options.adapter)},
      {"dtype", guard_options.dtype},
      {"policy", policy.name},
      {"policy_threshold", policy.threshold ? Json(*policy.threshold) : Json()},
      {"policy_thresholds", thresholds},
      {"calibration", {{"scale", policy.calibration_scale}, {"bias", policy.calibration_bias}}},
      {"categories", names},
      {"request", RequestJson(options.request)},
      {"data", data},
      {"where", where},
      {"sample", options.selection.sample},
      {"seed", options.selection.seed}};
  return out.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace gatehouse

// An adapter's directory where a model is asked for.
#include <filesystem>

#include "base/error.h"
#include "checkpoint/adapter.h"
#include "checkpoint/adapter_config.h"

namespace gatehouse {
namespace {

namespace fs = std::filesystem;

bool Exists(const fs::path& path) {
  std::error_code code;
  return fs::exists(path, code);
}

}  // namespace

Result<bool> IsAdapterDirectory(const std::string& directory) {
  const fs::path at(directory);
  if (!Exists(at / "adapter_config.json") || Exists(at / "gatehouse.json")) return false;
  if (!Exists(at / "config.json")) return true;
  return ModelError(
      "a model and an adapter in one directory", directory,
      "one of them: the model's config.json with its weights, or adapter_config.json with its own "
      "(give the adapter by --adapter)",
      "both");
}

Result<std::string> BaseOfAdapter(const std::string& directory) {
  const std::string config_path = (fs::path(directory) / "adapter_config.json").string();
  GATEHOUSE_ASSIGN(const AdapterConfig config, ReadAdapterConfig(config_path));
  if (!config.base.empty()) {
    const fs::path named(config.base), beside = fs::path(directory) / named;
    const bool here = Exists(named), there = named.is_relative() && Exists(beside);
    // PEFT means the working directory, whoever moves the folder about means the folder: one of two is a
    // guess.
    std::error_code code;
    if (here && there && !fs::equivalent(named, beside, code))
      return ModelError("a base that can be either of two", config_path + ", base_model_name_or_path",
                        "one of " + fs::absolute(named, code).string() + " and " + beside.string() +
                            "; say which: --model BASE --adapter " + directory,
                        "both");
    if (here) return named.string();
    if (there) return beside.string();
  }
  return ModelError("an adapter without its base", config_path + ", base_model_name_or_path",
                    "a path that exists; or give both: --model BASE --adapter " + directory,
                    config.base.empty() ? "nothing" : "'" + config.base.substr(0, 200) + "'");
}

}  // namespace gatehouse

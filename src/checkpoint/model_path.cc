#include "checkpoint/model_path.h"

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <map>
#include <vector>

#include "base/error.h"
#include "base/file_kind.h"
#include "base/input_file.h"
#include "base/log.h"
#include "formats/gguf_split.h"

namespace gatehouse {
namespace {

namespace fs = std::filesystem;

constexpr const char* kExpected = "a model directory (config.json and safetensors) or a .gguf file";

struct Listing {
  std::vector<std::string> safetensors, ggufs, directories, foreign;  // names, sorted
  bool has_config = false;
  bool is_converted = false;
};

bool EndsWithNoCase(const std::string& name, std::string_view lower) {
  return name.size() >= lower.size() &&
         std::equal(lower.rbegin(), lower.rend(), name.rbegin(), [](char a, char b) {
           return a == static_cast<char>(std::tolower(static_cast<unsigned char>(b)));
         });
}

// Weights in forms that are not read.
bool IsForeign(const std::string& name) {
  for (const char* suffix : {".bin", ".pth", ".pt", ".ckpt", ".onnx", ".h5", ".msgpack", ".tflite", ".pte",
                             ".npz", ".ggml", ".nemo", ".zip", ".tar", ".gz"}) {
    if (EndsWithNoCase(name, suffix)) return true;
  }
  return false;
}

Result<Listing> List(const std::string& directory) {
  Listing out;
  std::error_code code;
  fs::directory_iterator entries(directory, code);
  for (; !code && entries != fs::directory_iterator(); entries.increment(code)) {
    const std::string name = entries->path().filename().string();
    std::error_code unused;
    if (entries->is_directory(unused)) {
      out.directories.push_back(name);
    } else if (EndsWithNoCase(name, ".safetensors") || name == "model.safetensors.index.json") {
      out.safetensors.push_back(name);
    } else if (EndsWithNoCase(name, ".gguf")) {
      out.ggufs.push_back(name);
    } else if (IsForeign(name)) {
      out.foreign.push_back(name);
    }
    out.has_config = out.has_config || name == "config.json";
    out.is_converted = out.is_converted || name == "gatehouse.json";
  }
  if (code) return ModelError("cannot read directory", directory, kExpected, code.message());
  for (auto* names : {&out.safetensors, &out.ggufs, &out.directories, &out.foreign})
    std::sort(names->begin(), names->end());
  return out;
}

std::string Joined(const std::vector<std::string>& names) {
  std::string out;
  for (size_t i = 0; i < names.size() && i < 8; ++i) out += (i > 0 ? ", " : "") + names[i];
  return names.size() > 8 ? out + " and " + std::to_string(names.size() - 8) + " more" : out;
}

bool Says(const std::string& name, const char* word) {
  std::string lower = name;
  for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return lower.find(word) != std::string::npos;
}

// Beside a model lie its image encoder and the statistics it was rounded with.
bool IsCompanion(const std::string& name) { return Says(name, "mmproj") || Says(name, "imatrix"); }

Result<std::string> ChooseGguf(const std::string& directory, const std::vector<std::string>& names) {
  std::map<std::string, std::string> models;  // the parts of one model count once
  std::vector<std::string> companions, listed;
  for (const std::string& name : names) {
    if (IsCompanion(name)) {
      companions.push_back(name);
    } else {
      const auto split = SplitNameOf(name);
      if (models.emplace(split ? SplitPath(*split, 0) : name, name).second) listed.push_back(name);
    }
  }
  // Rounded models are named after the statistics, too; the file itself says what it is.
  if (models.empty() && companions.size() == 1 && !Says(companions[0], "mmproj"))
    return directory + "/" + companions[0];
  if (models.empty())
    return ModelError("no model in the folder", directory, kExpected,
                      Joined(companions) + ", a part of a model");
  if (models.size() > 1)
    return ModelError("several GGUF files", directory, "one, or the path of the one that is meant",
                      Joined(listed));
  if (!companions.empty()) {
    Log(LogLevel::kWarn, "not read, beside the model in " + directory + ": " + Joined(companions) +
                             " (GGUF models judge text alone)");
  }
  return directory + "/" + models.begin()->second;
}

// models--org--name of Hugging Face's tools: snapshots/HASH holds the files, refs/BRANCH names a hash.
Result<std::string> ChooseSnapshot(const std::string& cache) {
  GATEHOUSE_ASSIGN(const Listing snapshots, List(cache + "/snapshots"));
  const std::string ref = cache + "/refs/main";
  GATEHOUSE_ASSIGN(std::optional<std::string> main, ReadFileIfThere(ref, 4096, ErrorCode::kModel));
  const std::vector<std::string>& names = snapshots.directories;
  if (main) {
    main->erase(
        std::remove_if(main->begin(), main->end(), [](unsigned char c) { return std::isspace(c) != 0; }),
        main->end());
    if (std::find(names.begin(), names.end(), *main) != names.end()) return cache + "/snapshots/" + *main;
    return ModelError(
        "the snapshot is not there", ref, names.empty() ? "a folder of snapshots" : Joined(names),
        "'" + main->substr(0, 80) + "': the download did not finish, or was of another revision");
  }
  if (names.size() == 1) return cache + "/snapshots/" + names[0];
  return ModelError(names.empty() ? "no snapshot" : "several snapshots, and no refs/main",
                    cache + "/snapshots", "one, or the path of the one that is meant",
                    names.empty() ? "none" : Joined(names));
}

Error Nothing(const std::string& directory, const Listing& list) {
  if (!list.foreign.empty()) {
    const std::string first = DescribeFileAt(directory + "/" + list.foreign[0]);
    return ModelError(
        "no weights that can be read", directory, kExpected,
        Joined(list.foreign) + (first.empty() ? "" : "; the first is " + first) +
            ". PyTorch files: load the model with transformers and save it again "
            "(save_pretrained writes safetensors), or take the published safetensors or a GGUF file");
  }
  std::vector<std::string> cached;
  for (const std::string& name : list.directories) {
    if (name.rfind("models--", 0) == 0) cached.push_back(name);
  }
  if (!cached.empty()) return ModelError("a folder of models", directory, "one of them", Joined(cached));
  return ModelError("no weights", directory, kExpected, list.has_config ? "config.json alone" : "neither");
}

Result<ModelPath> FindInDirectory(const std::string& directory, int depth) {
  GATEHOUSE_ASSIGN(const Listing list, List(directory));
  if (list.is_converted) return ModelPath{Checkpoint::Kind::kConverted, directory};
  if (!list.safetensors.empty()) return ModelPath{Checkpoint::Kind::kHuggingFace, directory};
  if (!list.ggufs.empty()) {
    GATEHOUSE_ASSIGN(const std::string file, ChooseGguf(directory, list.ggufs));
    return ModelPath{Checkpoint::Kind::kGguf, file};
  }
  const bool is_cache =
      std::find(list.directories.begin(), list.directories.end(), "snapshots") != list.directories.end();
  if (is_cache && depth == 0) {
    GATEHOUSE_ASSIGN(const std::string snapshot, ChooseSnapshot(directory));
    return FindInDirectory(snapshot, depth + 1);
  }
  return Nothing(directory, list);
}

}  // namespace

Result<ModelPath> FindModel(const std::string& path) {
  std::error_code code;
  const fs::file_status status = fs::status(path, code);
  if (fs::is_directory(status)) {
    // A snapshots folder is part of its cache folder.
    const fs::path clean = fs::path(path + "/.").lexically_normal().parent_path();
    if (clean.filename() == "snapshots" && fs::is_directory(clean.parent_path() / "blobs", code))
      return FindInDirectory(clean.parent_path().string(), 0);
    return FindInDirectory(path, 0);
  }
  if (!fs::exists(status)) {
    return ModelError(
        "no such model", path, kExpected,
        fs::is_symlink(fs::symlink_status(path, code)) ? "a link that leads nowhere" : "nothing");
  }
  const std::string name = fs::path(path).filename().string();
  if (EndsWithNoCase(name, ".safetensors") || EndsWithNoCase(name, ".json")) {
    return ModelError("a file of a model", path, "the directory that it lies in, or a .gguf file",
                      DescribeFileAt(path));
  }
  return ModelPath{Checkpoint::Kind::kGguf, path};
}

}  // namespace gatehouse

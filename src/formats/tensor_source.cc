#include "formats/tensor_source.h"

#include <simdjson.h>

#include <algorithm>
#include <filesystem>
#include <set>

#include "base/error.h"
#include "base/file_kind.h"
#include "base/text_mark.h"

namespace gatehouse {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMaxIndex = 64u << 20;

struct Index {
  std::map<std::string, std::string> file_of;  // tensor -> file name
  std::set<std::string> files;
};

Result<Index> ReadIndex(const std::string& path) {
  GATEHOUSE_ASSIGN(const std::string text, ReadFile(path, kMaxIndex, ErrorCode::kModel));
  simdjson::dom::parser parser;
  simdjson::dom::object map;
  std::string scratch;
  const std::string utf8(Utf8Text(text, &scratch));
  if (const auto code = parser.parse(utf8)["weight_map"].get(map); code != simdjson::SUCCESS) {
    if (const FileKind kind = KindOfFile(text); kind != FileKind::kUnknown && kind != FileKind::kJson)
      return ModelError("not a JSON file", path, "an index of shards", DescribeFile(text));
    return ModelError("bad index", path, "an object with an object weight_map",
                      simdjson::error_message(code));
  }
  Index index;
  for (const auto& [tensor, value] : map) {
    std::string_view file;
    // A shard lies beside its index: a path in its name is somebody's trick.
    if (value.get(file) != simdjson::SUCCESS || file.empty() || file.find('/') != std::string_view::npos) {
      return ModelError("bad file name in weight_map", path + ", '" + std::string(tensor) + "'",
                        "a file beside the index", "something else");
    }
    if (!index.file_of.emplace(std::string(tensor), std::string(file)).second) {
      return ModelError("tensor occurs twice in weight_map", path, "each once",
                        "'" + std::string(tensor) + "'");
    }
    index.files.insert(std::string(file));
  }
  if (index.files.empty()) return ModelError("bad index", path, "at least one tensor", "none");
  return index;
}

}  // namespace

Result<TensorSource> TensorSource::Open(const std::string& directory) {
  std::error_code code;
  if (!fs::is_directory(directory, code)) {
    return ModelError("cannot open model directory", directory, "a directory",
                      code ? code.message() : "something else");
  }
  const fs::path base(directory);
  std::vector<std::string> names;
  Index index;
  // An index decides, then the one file, then (exports without an index) every shard that lies there.
  const std::string index_path = (base / "model.safetensors.index.json").string();
  // What is there and cannot be read is an error, not a reason to look for other weights.
  GATEHOUSE_ASSIGN(const bool has_index, IsThere(index_path, ErrorCode::kModel));
  GATEHOUSE_ASSIGN(const bool has_one, IsThere((base / "model.safetensors").string(), ErrorCode::kModel));
  if (has_index) {
    GATEHOUSE_ASSIGN(index, ReadIndex(index_path));
    names.assign(index.files.begin(), index.files.end());
  } else if (has_one) {
    names.push_back("model.safetensors");
  } else {
    fs::directory_iterator entries(base, code);
    for (; !code && entries != fs::directory_iterator(); entries.increment(code)) {
      if (entries->path().extension() == ".safetensors") names.push_back(entries->path().filename().string());
    }
    if (code) return ModelError("cannot read directory", directory, "a readable directory", code.message());
    // A directory lists its files in no order, and errors should name the same file each time.
    std::sort(names.begin(), names.end());
    if (names.empty()) {
      return ModelError("no weights", directory, "model.safetensors, an index with shards, or *.safetensors",
                        "none of them");
    }
  }

  TensorSource source;
  source.directory_ = directory;
  source.files_ = std::make_shared<std::vector<SafetensorsFile>>();
  source.tensors_ = std::make_shared<TensorMap>();
  for (const std::string& name : names) {
    const std::string path = (base / name).string();
    GATEHOUSE_ASSIGN(SafetensorsFile file, SafetensorsFile::Open(path));
    for (const auto& [tensor, view] : file.tensors()) {
      // An old shard that was left behind would else give its weights, or none, depending on the order.
      if (!index.file_of.empty()) {
        const auto listed = index.file_of.find(tensor);
        if (listed == index.file_of.end() || listed->second != name) {
          return ModelError("tensor is not where the index says", path + ", tensor '" + tensor + "'",
                            listed == index.file_of.end() ? "a tensor of the index" : listed->second, name);
        }
      }
      if (!source.tensors_->emplace(tensor, view).second) {
        return ModelError("tensor occurs in two files", path + ", tensor '" + tensor + "'", "each name once",
                          "two");
      }
    }
    source.files_->push_back(std::move(file));
  }
  // And the other way: a shard that was replaced by one with less in it.
  for (const auto& [tensor, name] : index.file_of) {
    if (source.Find(tensor) == nullptr) {
      return ModelError("tensor missing", (base / name).string(), "'" + tensor + "', which the index lists",
                        "none");
    }
  }
  return source;
}

const TensorView* TensorSource::Find(std::string_view name) const {
  const auto found = tensors_->find(name);
  return found == tensors_->end() ? nullptr : &found->second;
}

std::vector<std::string> TensorSource::Names() const {
  std::vector<std::string> names;
  for (const auto& [name, view] : *tensors_) names.push_back(name);
  return names;
}

std::string TensorSource::FileOf(std::string_view name) const {
  for (const SafetensorsFile& file : *files_) {
    if (file.Find(name) != nullptr) return file.path();
  }
  return {};
}

}  // namespace gatehouse

#include <exception>
#include <utility>

#include "base/error.h"
#include "base/mapped_file.h"
#include "base/text_mark.h"
#include "data/dataset.h"
#include "data/detect.h"
#include "data/row_shape.h"
#include "formats/json.h"

namespace gatehouse {
namespace {

constexpr size_t kMaxDescriptionBytes = size_t{1} << 20;

Result<std::string> String(const Json& value, const std::string& where) {
  if (!value.is_string() || value.get_ref<const std::string&>().empty())
    return BadInput("malformed description", where, "a string, not empty", ShortJson(value));
  return value.get<std::string>();
}

Result<StringPairs> Pairs(const Json& value, const std::string& where) {
  if (!value.is_object())
    return BadInput("malformed description", where, "an object of strings", ShortJson(value));
  StringPairs out;
  for (const auto& [key, text] : value.items()) {
    GATEHOUSE_ASSIGN(std::string checked, String(text, where + ": " + key));
    out.emplace_back(key, std::move(checked));
  }
  return out;
}

Result<std::vector<std::string>> Files(const Json& value, const std::string& where) {
  if (!value.is_array() || value.empty())
    return BadInput("malformed description", where, "a list of file names, not empty", ShortJson(value));
  std::vector<std::string> out;
  for (const Json& name : value) {
    GATEHOUSE_ASSIGN(std::string checked, String(name, where));
    out.push_back(std::move(checked));
  }
  return out;
}

Result<void> ReadMember(const std::string& key, const Json& value, const std::string& where,
                        DatasetDescription* out) {
  DatasetFormat& format = out->format;
  const std::pair<const char*, std::string*> strings[] = {
      {"name", &out->name},     {"licence", &out->licence}, {"judges", &out->judges},
      {"notes", &out->notes},   {"format", &format.format}, {"language", &format.language},
      {"label", &format.label},
  };
  for (const auto& [name, target] : strings) {
    if (key != name) continue;
    GATEHOUSE_ASSIGN(*target, String(value, where));
    return {};
  }
  if (key == "file") {
    GATEHOUSE_ASSIGN(std::string file, String(value, where));
    out->files = {std::move(file)};
  } else if (key == "files") {
    GATEHOUSE_ASSIGN(out->files, Files(value, where));
  } else if (key == "map") {
    GATEHOUSE_ASSIGN(format.map, Pairs(value, where));
  } else if (key == "categories") {
    GATEHOUSE_ASSIGN(format.category_map, Pairs(value, where));
  } else {
    return BadInput("unknown field", where,
                    "name, file, files, format, map, categories, language, label, licence, judges or notes",
                    "\"" + key + "\"");
  }
  return {};
}

Result<void> CheckWhole(const Json& root, const std::string& path, const DatasetDescription& description) {
  if (description.name.empty()) return BadInput("missing field", path + ": name", "a string", "nothing");
  if (root.contains("file") == root.contains("files")) {
    return BadInput("one of two fields", path + ": file", "file or files",
                    root.contains("file") ? "both" : "neither");
  }
  const DatasetFormat& format = description.format;
  GATEHOUSE_TRY(CheckFormatName(format.format, path + ": format"));
  GATEHOUSE_TRY(CheckMapNames(format.map, path + ": map"));
  if (!format.label.empty() && format.label != "safe" && format.label != "unsafe")
    return BadInput("unknown label", path + ": label", "safe or unsafe", "\"" + format.label + "\"");
  return {};
}

Result<DatasetDescription> Read(const std::string& path) {
  GATEHOUSE_ASSIGN(const std::string text, ReadFile(path, kMaxDescriptionBytes));
  GATEHOUSE_ASSIGN(const Json root, ParseJson(text, path, ErrorCode::kBadInput));
  if (!root.is_object()) return BadInput("malformed description", path, "an object", ShortJson(root));
  DatasetDescription out;
  for (const auto& [key, value] : root.items())
    GATEHOUSE_TRY(ReadMember(key, value, path + ": " + key, &out));
  GATEHOUSE_TRY(CheckWhole(root, path, out));
  out.format.source = out.name;
  const size_t slash = path.rfind('/');
  for (std::string& file : out.files) {
    if (slash != std::string::npos && file.front() != '/') file.insert(0, path.substr(0, slash + 1));
  }
  return out;
}

}  // namespace

bool IsDatasetDescription(const std::string& path) {
  const auto text = ReadFile(path, kMaxDescriptionBytes);
  if (!text.ok()) return false;
  std::string scratch;
  const Json root = Json::parse(Utf8Text(*text, &scratch), nullptr, false);
  if (root.is_discarded()) return false;
  return root.is_object() && !root.contains("messages") && !root.contains("conversation") &&
         (root.contains("file") || root.contains("files") || root.contains("name"));
}

Result<DatasetDescription> ReadDatasetDescription(const std::string& path) {
  try {
    return Read(path);
  } catch (const std::exception& e) {
    return InternalError(std::string("reading failed: ") + e.what(), path);
  }
}

}  // namespace gatehouse

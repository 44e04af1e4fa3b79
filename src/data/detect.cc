#include "data/detect.h"

#include <algorithm>
#include <array>
#include <initializer_list>

#include "base/error.h"
#include "data/clean_text.h"

namespace gatehouse {
namespace {

constexpr std::array<std::string_view, 8> kFormats = {
    "auto", "gatehouse", "csv", "jsonl", "ailuminate", "openai-moderation", "xstest", "guardbench"};
constexpr const char* kFormatList =
    "auto, gatehouse, csv, jsonl, ailuminate, openai-moderation, xstest or guardbench";

bool TakeEnding(std::string_view* name, std::string_view ending) {
  if (!name->ends_with(ending) || name->size() == ending.size()) return false;
  name->remove_suffix(ending.size());
  return true;
}

std::string_view WithoutGz(std::string_view path) {
  TakeEnding(&path, ".gz");
  return path;
}

Error CannotTell(const std::string& name, const std::string& found) {
  return BadInput("cannot tell the format of the data", name,
                  std::string("a format (") + kFormatList + "), or a map such as --map prompt=...,label=...",
                  found);
}

}  // namespace

std::string DatasetStem(std::string_view path) {
  const size_t slash = path.rfind('/');
  if (slash != std::string_view::npos) path.remove_prefix(slash + 1);
  TakeEnding(&path, ".gz");
  for (const char* ending : {".jsonl", ".ndjson", ".json", ".csv", ".tsv"})
    if (TakeEnding(&path, ending)) break;
  return std::string(path);
}

Result<void> CheckFormatName(const std::string& format, const std::string& where) {
  if (std::find(kFormats.begin(), kFormats.end(), format) != kFormats.end()) return {};
  return BadInput("unknown format", where, kFormatList, "\"" + format + "\"");
}

bool IsTabSeparated(std::string_view path) { return WithoutGz(path).ends_with(".tsv"); }

bool IsNamedAsCsv(std::string_view path) {
  const std::string_view name = WithoutGz(path);
  return name.ends_with(".csv") || name.ends_with(".tsv");
}

bool LooksLikeCsv(std::string_view path, char first) {
  if (IsNamedAsCsv(path)) return true;
  const std::string_view name = WithoutGz(path);
  if (name.ends_with(".jsonl") || name.ends_with(".ndjson") || name.ends_with(".json")) return false;
  return first != '{' && first != '[' && first != '\0';
}

Result<std::string> DetectCsv(const std::vector<std::string>& columns, bool has_map,
                              const std::string& name) {
  if (has_map) return std::string("csv");
  const auto has = [&](const char* column) {
    return std::find(columns.begin(), columns.end(), column) != columns.end();
  };
  if (has("label") && (has("messages") || has("image"))) return std::string("gatehouse");
  if (has("label") && has("conversation")) return std::string("guardbench");
  if (has("prompt_text") && has("hazard")) return std::string("ailuminate");
  if (has("prompt") && has("type") && (has("id") || has("id_v2")) && (has("label") || has("focus")))
    return std::string("xstest");
  std::string found;
  for (const std::string& column : columns) found += (found.empty() ? "" : ", ") + column;
  return CannotTell(name, "columns " + CleanText(found, 300));
}

Result<std::string> DetectJsonl(const Record& first, bool has_map, const std::string& name) {
  if (has_map) return std::string("jsonl");
  if (!first.problem.empty()) {
    return CannotTell(name, CleanText(first.problem, 300));
  }
  const Json& record = first.value;
  if (record.contains("messages") || (record.contains("image") && record.contains("label")))
    return std::string("gatehouse");
  if (record.contains("conversation")) return std::string("guardbench");
  if (record.contains("prompt")) {
    for (const char* flag : {"S", "H", "V", "HR", "SH", "S3", "H2", "V2"})
      if (record.contains(flag)) return std::string("openai-moderation");
  }
  std::string found;
  for (const auto& [key, value] : record.items()) found += (found.empty() ? "" : ", ") + key;
  return CannotTell(name, "keys " + CleanText(found, 300));
}

}  // namespace gatehouse

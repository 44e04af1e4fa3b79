#include "formats/gguf_split.h"

#include <sys/stat.h>

#include <algorithm>
#include <cstdio>

#include "base/error.h"

namespace gatehouse {
namespace {

constexpr std::string_view kEnding = ".gguf";
constexpr int64_t kMaxParts = 99999;

std::optional<int64_t> FiveDigits(std::string_view text) {
  int64_t value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + (c - '0');
  }
  return value;
}

bool IsThereNow(const std::string& path) {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0;
}

}  // namespace

std::optional<GgufSplitName> SplitNameOf(const std::string& path) {
  // "-00001-of-00003.gguf"
  constexpr size_t kTail = 15;
  const std::string_view text = path;
  if (!text.ends_with(kEnding) || text.size() <= kTail + kEnding.size()) return std::nullopt;
  const std::string_view tail = text.substr(text.size() - kEnding.size() - kTail, kTail);
  if (tail[0] != '-' || tail.substr(6, 4) != "-of-") return std::nullopt;
  const auto number = FiveDigits(tail.substr(1, 5)), count = FiveDigits(tail.substr(10, 5));
  if (!number || !count || *number < 1 || *number > *count) return std::nullopt;
  return GgufSplitName{std::string(text.substr(0, text.size() - kEnding.size() - kTail)), *number, *count};
}

std::string SplitPath(const GgufSplitName& split, int64_t number) {
  char tail[32];
  std::snprintf(tail, sizeof tail, "-%05d-of-%05d", static_cast<int>(number), static_cast<int>(split.count));
  return split.stem + tail + std::string(kEnding);
}

// A part is opened as itself, then the others beside it, and all become one file.
Result<GgufFile> GgufFile::Open(const std::string& path) {
  GATEHOUSE_ASSIGN(GgufFile given, OpenPart(path));
  GATEHOUSE_ASSIGN(const int64_t count, given.Int("split.count", 1));
  if (count == 0 || count == 1) return given;
  const auto split = SplitNameOf(path);
  if (!split || count > kMaxParts || split->count != count) {
    return ModelError("a part of a split model under another name", path,
                      "a name that ends with -00001-of-" +
                          SplitPath({"", 1, std::clamp<int64_t>(count, 1, kMaxParts)}, 1).substr(10, 5) +
                          ".gguf and the like, by which the " + std::to_string(count) + " parts are found",
                      "another");
  }
  GgufFile whole;
  auto files = std::make_shared<std::vector<std::shared_ptr<const void>>>();
  auto part_of = std::make_shared<std::map<std::string, std::string, std::less<>>>();
  for (int64_t number = 1; number <= count; ++number) {
    const std::string part_path = SplitPath(*split, number);
    if (!IsThereNow(part_path))
      return ModelError("a part of a split model is missing", part_path,
                        "all " + std::to_string(count) + " parts", "no such file");
    GATEHOUSE_ASSIGN(GgufFile part, OpenPart(part_path));
    // A name proves nothing: parts of two models, or of two splits of one, can lie in one folder.
    GATEHOUSE_ASSIGN(const int64_t no, part.Int("split.no"));
    GATEHOUSE_ASSIGN(const int64_t its_count, part.Int("split.count"));
    if (no != number - 1 || its_count != count) {
      return ModelError("a part of another model", part_path + ", keys 'split.no' and 'split.count'",
                        std::to_string(number - 1) + " and " + std::to_string(count),
                        std::to_string(no) + " and " + std::to_string(its_count));
    }
    for (const auto& [name, view] : part.tensors()) part_of->emplace(name, part_path);
    files->push_back(part.owner());
    if (number == 1) {
      whole = std::move(part);
      continue;
    }
    GATEHOUSE_TRY(whole.Add(part));
  }
  // Written when the model was split.
  GATEHOUSE_ASSIGN(const int64_t tensors, whole.Int("split.tensors.count"));
  if (tensors != static_cast<int64_t>(whole.tensors().size())) {
    return ModelError("tensors of a split model are missing", whole.name() + ", key 'split.tensors.count'",
                      std::to_string(tensors), std::to_string(whole.tensors().size()));
  }
  whole.file_ = files;
  whole.part_of_ = part_of;
  return whole;
}

// Later parts bring tensors, and no metadata but what concerns themselves.
Result<void> GgufFile::Add(const GgufFile& part) {
  for (const auto& [key, value] : part.metadata()) {
    if (key.rfind("split.", 0) == 0 || key.rfind("general.", 0) == 0) continue;
    const GgufValue* first = Value(key);
    // Of two values the first part's would be taken without a word.
    if (first == nullptr || *first != value) {
      return ModelError("a key that only a model's first part may have",
                        part.name() + ", key '" + key.substr(0, 100) + "'", "split.* and general.*",
                        "another");
    }
  }
  for (const auto& [name, view] : part.tensors()) {
    if (!contents_->tensors.emplace(name, view).second)
      return ModelError("tensor occurs in two parts", part.name(), "each once",
                        "'" + name.substr(0, 100) + "'");
  }
  return {};
}

const std::string& GgufFile::FileOf(std::string_view tensor) const {
  if (part_of_) {
    const auto found = part_of_->find(tensor);
    if (found != part_of_->end()) return found->second;
  }
  return name_;
}

}  // namespace gatehouse

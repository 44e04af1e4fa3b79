// GGUF files, versions 2 and 3: typed metadata, then tensors in plain or block types. Layout: the format's
// published description (ggml, docs/gguf.md).
//
//   GATEHOUSE_ASSIGN(GgufFile file, GgufFile::Open("model.gguf"));
//   GATEHOUSE_ASSIGN(int64_t layers, file.Int("llama.block_count"));
//   const TensorView* table = file.Find("token_embd.weight");  // [vocab, hidden]: rows are outputs
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/mapped_file.h"
#include "formats/safetensors.h"
#include "gatehouse/result.h"
#include "tensor/tensor.h"

namespace gatehouse {

// Integers of all widths are int64 (an uint64 above its range is refused), floats double. Text points into
// the file.
using GgufValue = std::variant<int64_t, double, bool, std::string_view, std::vector<int64_t>,
                               std::vector<double>, std::vector<std::string_view>>;

struct GgufContents {
  std::map<std::string, GgufValue, std::less<>> metadata;
  TensorMap tensors;
};

// Checks a whole file in memory; the result points into it. Errors: kModel.
Result<GgufContents> ParseGguf(std::span<const std::byte> bytes, const std::string& name);

class GgufFile {
 public:
  // Any part of a split model (gguf_split.h) opens all of it.
  static Result<GgufFile> Open(const std::string& path);
  // The same for bytes in memory, which must outlive the result.
  static Result<GgufFile> FromBytes(std::span<const std::byte> bytes, const std::string& name);

  const TensorView* Find(std::string_view name) const;  // null: no such tensor
  const TensorMap& tensors() const { return contents_->tensors; }

  const std::map<std::string, GgufValue, std::less<>>& metadata() const { return contents_->metadata; }
  bool Has(std::string_view key) const { return contents_->metadata.count(key) != 0; }
  const GgufValue* Value(std::string_view key) const;  // null: no such key
  // Typed access; an absent key gives the default, or an error (kModel) where there is none.
  Result<int64_t> Int(std::string_view key, std::optional<int64_t> otherwise = std::nullopt) const;
  Result<double> Number(std::string_view key, std::optional<double> otherwise = std::nullopt) const;
  Result<bool> Bool(std::string_view key, std::optional<bool> otherwise = std::nullopt) const;
  Result<std::string_view> String(std::string_view key,
                                  std::optional<std::string_view> otherwise = std::nullopt) const;
  Result<std::vector<std::string_view>> Strings(std::string_view key) const;  // absent: empty
  Result<std::vector<int64_t>> Ints(std::string_view key) const;              // absent: empty

  const std::string& name() const { return name_; }
  const std::string& FileOf(std::string_view tensor) const;  // the part that holds it
  std::shared_ptr<const void> owner() const { return file_; }

 private:
  static Result<GgufFile> OpenPart(const std::string& path);
  Result<void> Add(const GgufFile& part);

  std::string name_;
  std::shared_ptr<const void> file_;  // or files; null for FromBytes
  std::shared_ptr<GgufContents> contents_;
  std::shared_ptr<const std::map<std::string, std::string, std::less<>>> part_of_;  // null: one file
};

}  // namespace gatehouse

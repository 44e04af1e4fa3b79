// Safetensors files: a JSON header that says where each tensor lies, then the tensors' bytes.
// SafetensorsFile maps a file and checks all of its header; SafetensorsWriter streams a new one.
//
//   GATEHOUSE_ASSIGN(auto file, SafetensorsFile::Open("model.safetensors"));
//   const TensorView* norm = file.Find("model.norm.weight");  // points into the map
//
//   GATEHOUSE_ASSIGN(auto writer, SafetensorsWriter::Create("out.safetensors", {{"a", DType::kF32, {2,
//   3}}})); GATEHOUSE_TRY(writer.Append(std::as_bytes(std::span(values))));  // in pieces of any size, in
//   order of declaration GATEHOUSE_TRY(writer.Finish());
#pragma once

#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/mapped_file.h"
#include "base/output_file.h"
#include "gatehouse/result.h"
#include "tensor/tensor.h"

namespace gatehouse {

using TensorMap = std::map<std::string, TensorView, std::less<>>;

struct SafetensorsContents {
  TensorMap tensors;  // views into the bytes that were read
  std::map<std::string, std::string> metadata;
};

// Checks a whole file in memory. Errors: kModel for a header that is cut, too large or no JSON, doubled
// names, unknown dtypes, and offsets that overlap, leave holes, leave the file or do not fit the shape.
Result<SafetensorsContents> ParseSafetensors(std::span<const std::byte> bytes, const std::string& name);

class SafetensorsFile {
 public:
  static Result<SafetensorsFile> Open(const std::string& path);

  const TensorView* Find(std::string_view name) const;  // null: no such tensor
  const TensorMap& tensors() const { return contents_.tensors; }
  const std::map<std::string, std::string>& metadata() const { return contents_.metadata; }
  const std::string& path() const { return file_.path(); }

 private:
  SafetensorsFile(MappedFile file, SafetensorsContents contents)
      : file_(std::move(file)), contents_(std::move(contents)) {}
  MappedFile file_;
  SafetensorsContents contents_;
};

struct TensorDeclaration {
  std::string name;
  DType dtype;
  Shape shape;
};

class SafetensorsWriter {
 public:
  using Declaration = TensorDeclaration;
  // An OutputFile: whole after Finish(), or not there. Errors: kInternal (the disk), kUsage (a name twice, a
  // block type, which the format does not have).
  static Result<SafetensorsWriter> Create(const std::string& path,
                                          const std::vector<TensorDeclaration>& tensors,
                                          const std::map<std::string, std::string>& metadata = {});
  SafetensorsWriter(SafetensorsWriter&&) = default;
  SafetensorsWriter& operator=(SafetensorsWriter&&) = delete;

  // Called with every byte that goes to the file, in order (a digest, say). Set it before the first Append;
  // it gets the header at once.
  void Observe(std::function<void(std::span<const std::byte>)> observer);
  Result<void> Append(std::span<const std::byte> bytes);
  Result<void> Append(const void* data, size_t bytes) {
    return Append({static_cast<const std::byte*>(data), bytes});
  }
  // Errors also where the bytes appended are not those declared (kInternal).
  Result<void> Finish();

 private:
  explicit SafetensorsWriter(OutputFile file) : file_(std::move(file)) {}
  std::string path_;
  std::string header_;
  OutputFile file_;
  std::function<void(std::span<const std::byte>)> observer_;
  int64_t expected_ = 0;
  int64_t written_ = 0;
};

}  // namespace gatehouse

// safetensors files: an 8-byte header length, a JSON header, then the tensors' bytes.
// Format: https://huggingface.co/docs/safetensors
//
//   GATEHOUSE_ASSIGN(SafetensorsFile file, SafetensorsFile::Open("model.safetensors"));
//   const TensorView* weight = file.Find("lm_head.weight");
#pragma once

#include <cstdint>
#include <cstdio>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/mapped_file.h"
#include "gatehouse/result.h"
#include "tensor/tensor.h"

namespace gatehouse {

class SafetensorsFile {
 public:
  // Maps the file; no tensor is read. Everything in the header is checked: types, shapes, sizes, and that the tensors
  // cover the data without holes or overlap. Errors: kModel.
  static Result<SafetensorsFile> Open(const std::string& path);
  // The same for bytes in memory (must outlive the result), for tests and fuzzing.
  static Result<SafetensorsFile> Parse(std::span<const std::byte> bytes, const std::string& name);

  const TensorView* Find(std::string_view name) const;  // null if absent
  const std::map<std::string, TensorView, std::less<>>& tensors() const { return tensors_; }
  const std::map<std::string, std::string>& metadata() const { return metadata_; }
  std::shared_ptr<const MappedFile> mapping() const { return mapping_; }

 private:
  std::shared_ptr<const MappedFile> mapping_;
  std::map<std::string, TensorView, std::less<>> tensors_;
  std::map<std::string, std::string> metadata_;
};

// Writes one file in a stream: declare all tensors first, then append their bytes in that order.
class SafetensorsWriter {
 public:
  struct Declaration {
    std::string name;
    DType dtype;
    Shape shape;
  };
  static Result<SafetensorsWriter> Create(const std::string& path, const std::vector<Declaration>& tensors,
                                          const std::map<std::string, std::string>& metadata);
  SafetensorsWriter(SafetensorsWriter&& other) noexcept;
  SafetensorsWriter& operator=(SafetensorsWriter&&) = delete;
  ~SafetensorsWriter();

  Result<void> Append(const void* data, size_t bytes);
  // Checks that all declared bytes came, flushes and closes.
  Result<void> Finish();

 private:
  SafetensorsWriter() = default;
  std::FILE* file_ = nullptr;
  std::string path_;
  uint64_t expected_ = 0;
  uint64_t written_ = 0;
};

}  // namespace gatehouse

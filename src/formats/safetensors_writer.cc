#include <nlohmann/json.hpp>
#include <set>

#include "base/error.h"
#include "formats/safetensors.h"

namespace gatehouse {

Result<SafetensorsWriter> SafetensorsWriter::Create(const std::string& path,
                                                    const std::vector<TensorDeclaration>& tensors,
                                                    const std::map<std::string, std::string>& metadata) {
  nlohmann::ordered_json header = nlohmann::ordered_json::object();
  if (!metadata.empty()) header["__metadata__"] = metadata;
  GATEHOUSE_ASSIGN(OutputFile file, OutputFile::Create(path));
  SafetensorsWriter writer(std::move(file));
  std::set<std::string_view> names;
  for (const TensorDeclaration& tensor : tensors) {
    if (!names.insert(tensor.name).second)
      return UsageError("tensor declared twice", path, "each name once", tensor.name);
    if (BlockOf(tensor.dtype).values != 1) {
      return UsageError("safetensors has no block types", path, "a plain dtype", DTypeName(tensor.dtype));
    }
    const TensorView view{tensor.dtype, tensor.shape, nullptr};
    const int64_t end = writer.expected_ + view.bytes();
    header.push_back({tensor.name,
                      {{"dtype", DTypeName(tensor.dtype)},
                       {"shape", tensor.shape},
                       {"data_offsets", {writer.expected_, end}}}});
    writer.expected_ = end;
  }
  // Spaces after the JSON let the data begin at a multiple of 64: mapped tensors are then aligned for vector
  // loads.
  std::string json = header.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
  json.append((64 - (json.size() + 8) % 64) % 64, ' ');
  const uint64_t size = json.size();
  writer.header_.assign(reinterpret_cast<const char*>(&size), 8);
  writer.header_ += json;
  writer.path_ = path;
  GATEHOUSE_TRY(writer.file_.Write(writer.header_));
  return writer;
}

void SafetensorsWriter::Observe(std::function<void(std::span<const std::byte>)> observer) {
  observer_ = std::move(observer);
  observer_(std::as_bytes(std::span(header_)));
}

Result<void> SafetensorsWriter::Append(std::span<const std::byte> bytes) {
  written_ += static_cast<int64_t>(bytes.size());
  if (written_ > expected_) return InternalError("more tensor bytes than declared", path_);
  GATEHOUSE_TRY(file_.Write(bytes));
  if (observer_) observer_(bytes);
  return {};
}

Result<void> SafetensorsWriter::Finish() {
  if (written_ != expected_) return InternalError("fewer tensor bytes than declared", path_);
  return file_.Commit();
}

}  // namespace gatehouse

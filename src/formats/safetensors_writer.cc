#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>
#include <set>

#include "base/error.h"
#include "formats/safetensors.h"

namespace gatehouse {
namespace {

Error DiskError(const std::string& path) {
  return {ErrorCode::kInternal, "cannot write file", path, {}, std::strerror(errno)};
}

}  // namespace

Result<SafetensorsWriter> SafetensorsWriter::Create(const std::string& path,
                                                    const std::vector<TensorDeclaration>& tensors,
                                                    const std::map<std::string, std::string>& metadata) {
  nlohmann::ordered_json header = nlohmann::ordered_json::object();
  if (!metadata.empty()) header["__metadata__"] = metadata;
  SafetensorsWriter writer;
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
  writer.file_.reset(std::fopen((path + ".part").c_str(), "wb"));
  if (!writer.file_) return DiskError(path + ".part");
  if (std::fwrite(writer.header_.data(), 1, writer.header_.size(), writer.file_.get()) !=
      writer.header_.size()) {
    return DiskError(path + ".part");
  }
  return writer;
}

SafetensorsWriter::~SafetensorsWriter() {
  if (!file_) return;
  file_.reset();
  std::remove((path_ + ".part").c_str());
}

void SafetensorsWriter::Observe(std::function<void(std::span<const std::byte>)> observer) {
  observer_ = std::move(observer);
  observer_(std::as_bytes(std::span(header_)));
}

Result<void> SafetensorsWriter::Append(std::span<const std::byte> bytes) {
  written_ += static_cast<int64_t>(bytes.size());
  if (written_ > expected_) return InternalError("more tensor bytes than declared", path_);
  if (std::fwrite(bytes.data(), 1, bytes.size(), file_.get()) != bytes.size())
    return DiskError(path_ + ".part");
  if (observer_) observer_(bytes);
  return {};
}

Result<void> SafetensorsWriter::Finish() {
  if (written_ != expected_) return InternalError("fewer tensor bytes than declared", path_);
  if (std::fflush(file_.get()) != 0) return DiskError(path_ + ".part");
  file_.reset();
  if (std::rename((path_ + ".part").c_str(), path_.c_str()) != 0) return DiskError(path_);
  return {};
}

}  // namespace gatehouse

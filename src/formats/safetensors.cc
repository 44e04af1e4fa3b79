#include "formats/safetensors.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>
#include <utility>

#include "base/error.h"
#include "formats/json.h"

namespace gatehouse {
namespace {

constexpr uint64_t kMaxHeader = 100u << 20;  // the format's own limit

struct Extent {
  uint64_t begin;
  uint64_t end;
  std::string name;
};

Result<TensorView> ParseTensor(const Json& entry, const std::string& name, const std::string& where,
                               std::span<const std::byte> data, Extent* extent) {
  if (!entry.is_object() || !entry.contains("dtype") || !entry.contains("shape") || !entry.contains("data_offsets")) {
    return ModelError("malformed tensor entry", where + ": " + name, "dtype, shape and data_offsets", entry.dump().substr(0, 80));
  }
  TensorView view;
  const Json& dtype_json = entry["dtype"];
  const auto dtype = dtype_json.is_string() ? DTypeFromName(dtype_json.get<std::string>()) : std::nullopt;
  if (!dtype || BlockOf(*dtype).values != 1) {
    return ModelError("unsupported dtype", where + ": " + name, "F32, F16, BF16 or another plain type", dtype_json.dump());
  }
  view.dtype = *dtype;
  uint64_t size = static_cast<uint64_t>(BlockOf(*dtype).bytes);
  if (!entry["shape"].is_array()) return ModelError("malformed shape", where + ": " + name, "a list", entry["shape"].dump());
  for (const Json& extent_json : entry["shape"]) {
    if (!extent_json.is_number_unsigned()) {
      return ModelError("malformed shape", where + ": " + name, "non-negative integers", entry["shape"].dump());
    }
    const uint64_t value = extent_json.get<uint64_t>();
    if (value != 0 && size > std::numeric_limits<int64_t>::max() / value) {
      return ModelError("tensor too large", where + ": " + name, "a size that fits the file", entry["shape"].dump());
    }
    size *= value;
    view.shape.push_back(static_cast<int64_t>(value));
  }
  const Json& offsets = entry["data_offsets"];
  if (!offsets.is_array() || offsets.size() != 2 || !offsets[0].is_number_unsigned() || !offsets[1].is_number_unsigned()) {
    return ModelError("malformed data_offsets", where + ": " + name, "two non-negative integers", offsets.dump());
  }
  const uint64_t begin = offsets[0].get<uint64_t>(), end = offsets[1].get<uint64_t>();
  if (begin > end || end > data.size()) {
    return ModelError("tensor outside of the file", where + ": " + name, "offsets within " + std::to_string(data.size()) + " bytes",
                      offsets.dump());
  }
  if (end - begin != size) {
    return ModelError("tensor size contradicts its shape", where + ": " + name,
                      std::to_string(size) + " bytes for " + ShapeString(view.shape) + " of " + DTypeName(*dtype),
                      std::to_string(end - begin) + " bytes");
  }
  view.data = data.data() + begin;
  *extent = {begin, end, name};
  return view;
}

}  // namespace

Result<SafetensorsFile> SafetensorsFile::Open(const std::string& path) {
  GATEHOUSE_ASSIGN(MappedFile mapped, MappedFile::Open(path));
  auto mapping = std::make_shared<const MappedFile>(std::move(mapped));
  GATEHOUSE_ASSIGN(SafetensorsFile file, Parse(mapping->bytes(), path));
  file.mapping_ = std::move(mapping);
  return file;
}

Result<SafetensorsFile> SafetensorsFile::Parse(std::span<const std::byte> bytes, const std::string& name) {
  if (bytes.size() < 8) return ModelError("truncated file", name, "at least 8 bytes", std::to_string(bytes.size()) + " bytes");
  uint64_t header_size = 0;
  for (int i = 7; i >= 0; --i) header_size = header_size << 8 | static_cast<uint64_t>(bytes[static_cast<size_t>(i)]);
  if (header_size > kMaxHeader || header_size > bytes.size() - 8) {
    return ModelError("header does not fit", name, "at most " + std::to_string(std::min<uint64_t>(kMaxHeader, bytes.size() - 8)) + " bytes",
                      std::to_string(header_size));
  }
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()) + 8, header_size);
  GATEHOUSE_ASSIGN(const Json header, ParseJson(text, name + " (header)", ErrorCode::kModel));
  if (!header.is_object()) return ModelError("malformed header", name, "a JSON object", std::string(text.substr(0, 40)));
  const std::span<const std::byte> data = bytes.subspan(8 + header_size);

  SafetensorsFile file;
  std::vector<Extent> extents;
  for (const auto& [key, entry] : header.items()) {
    if (key == "__metadata__") {
      if (!entry.is_object()) return ModelError("malformed metadata", name, "an object of strings", entry.dump().substr(0, 40));
      for (const auto& [meta_key, value] : entry.items()) {
        if (!value.is_string()) return ModelError("malformed metadata", name + ": " + meta_key, "a string", value.dump().substr(0, 40));
        file.metadata_[meta_key] = value.get<std::string>();
      }
      continue;
    }
    Extent extent;
    GATEHOUSE_ASSIGN(TensorView view, ParseTensor(entry, key, name, data, &extent));
    file.tensors_.emplace(key, std::move(view));
    extents.push_back(std::move(extent));
  }
  std::sort(extents.begin(), extents.end(), [](const Extent& a, const Extent& b) {
    return a.begin != b.begin ? a.begin < b.begin : a.end < b.end;
  });
  uint64_t covered = 0;
  for (const Extent& extent : extents) {
    if (extent.begin != covered) {
      return ModelError(extent.begin < covered ? "overlapping tensors" : "hole in the data", name + ": " + extent.name,
                        "data from offset " + std::to_string(covered), "offset " + std::to_string(extent.begin));
    }
    covered = extent.end;
  }
  if (covered != data.size()) {
    return ModelError("data without a tensor", name, std::to_string(covered) + " bytes", std::to_string(data.size()) + " bytes");
  }
  return file;
}

const TensorView* SafetensorsFile::Find(std::string_view name) const {
  const auto found = tensors_.find(name);
  return found == tensors_.end() ? nullptr : &found->second;
}

Result<SafetensorsWriter> SafetensorsWriter::Create(const std::string& path, const std::vector<Declaration>& tensors,
                                                    const std::map<std::string, std::string>& metadata) {
  Json header = Json::object();
  if (!metadata.empty()) header["__metadata__"] = metadata;
  uint64_t offset = 0;
  for (const Declaration& tensor : tensors) {
    const uint64_t size = static_cast<uint64_t>(TensorView{tensor.dtype, tensor.shape, nullptr}.bytes());
    header[tensor.name] = {{"dtype", DTypeName(tensor.dtype)}, {"shape", tensor.shape}, {"data_offsets", {offset, offset + size}}};
    offset += size;
  }
  std::string text = header.dump();
  // The data begin at a multiple of 64 bytes, so that a mapped file can be read with the widest aligned loads.
  text.append((64 - (8 + text.size()) % 64) % 64, ' ');

  SafetensorsWriter writer;
  writer.path_ = path;
  writer.expected_ = offset;
  writer.file_ = std::fopen(path.c_str(), "wb");
  if (writer.file_ == nullptr) return Error{ErrorCode::kInternal, "cannot create file", path, {}, std::strerror(errno)};
  unsigned char length[8];
  for (int i = 0; i < 8; ++i) length[i] = static_cast<unsigned char>(text.size() >> (8 * i));
  if (std::fwrite(length, 1, 8, writer.file_) != 8 || std::fwrite(text.data(), 1, text.size(), writer.file_) != text.size()) {
    return Error{ErrorCode::kInternal, "cannot write file", path, {}, std::strerror(errno)};
  }
  return writer;
}

SafetensorsWriter::SafetensorsWriter(SafetensorsWriter&& other) noexcept
    : file_(std::exchange(other.file_, nullptr)), path_(std::move(other.path_)), expected_(other.expected_),
      written_(other.written_) {}

SafetensorsWriter::~SafetensorsWriter() {
  if (file_ != nullptr) std::fclose(file_);
}

Result<void> SafetensorsWriter::Append(const void* data, size_t bytes) {
  if (std::fwrite(data, 1, bytes, file_) != bytes) {
    return Error{ErrorCode::kInternal, "cannot write file", path_, {}, std::strerror(errno)};
  }
  written_ += bytes;
  return {};
}

Result<void> SafetensorsWriter::Finish() {
  if (written_ != expected_) {
    return Error{ErrorCode::kInternal, "wrong amount of data", path_, std::to_string(expected_) + " bytes",
                 std::to_string(written_) + " bytes"};
  }
  std::FILE* file = std::exchange(file_, nullptr);
  const bool flushed = std::fflush(file) == 0 && ::fsync(::fileno(file)) == 0;
  if (std::fclose(file) != 0 || !flushed) {
    return Error{ErrorCode::kInternal, "cannot write file", path_, {}, std::strerror(errno)};
  }
  return {};
}

}  // namespace gatehouse

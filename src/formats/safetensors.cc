#include "formats/safetensors.h"

#include <simdjson.h>

#include <algorithm>
#include <cstring>

#include "base/error.h"
#include "base/file_kind.h"

namespace gatehouse {
namespace {

constexpr size_t kMaxHeader = 100u << 20;  // as the format's own reader
constexpr int64_t kMaxTensorElements = int64_t{1} << 48;

struct Span {
  int64_t begin, end;
  const std::string* name;
};

std::string QuoteKey(std::string_view key) { return "'" + std::string(key.substr(0, 200)) + "'"; }

// {"dtype": "BF16", "shape": [2, 3], "data_offsets": [0, 12]}
Result<void> ParseEntry(simdjson::dom::element entry, const std::string& where, int64_t data_size,
                        TensorView* view, Span* span) {
  simdjson::dom::object object;
  if (entry.get(object) != simdjson::SUCCESS)
    return ModelError("bad tensor entry", where, "an object", "another type");
  bool has_dtype = false, has_shape = false, has_offsets = false;
  for (const auto& [key, value] : object) {
    if (key == "dtype") {
      std::string_view text;
      if (has_dtype || value.get(text) != simdjson::SUCCESS) {
        return ModelError("bad dtype", where, "one string", "something else");
      }
      // GGUF's block types have names too, but no meaning in this format: a row of them is no row of values.
      const auto dtype = DTypeFromName(text);
      if (!dtype || BlockOf(*dtype).values != 1) {
        return ModelError("unknown dtype", where, "F32, F16, BF16 or an integer type", QuoteKey(text));
      }
      view->dtype = *dtype;
      has_dtype = true;
    } else if (key == "shape") {
      simdjson::dom::array dims;
      if (has_shape || value.get(dims) != simdjson::SUCCESS || dims.size() > 8) {
        return ModelError("bad shape", where, "one list of at most 8 sizes", "something else");
      }
      int64_t product = 1;
      for (const auto dim : dims) {
        int64_t extent;
        if (dim.get(extent) != simdjson::SUCCESS || extent < 0 || extent > kMaxTensorElements) {
          return ModelError("bad shape", where, "sizes from 0 to 2^48", "another value");
        }
        // A size of 0 makes the tensor empty, and must not let the sizes behind it grow without bound: shapes
        // are multiplied elsewhere too.
        const int64_t factor = std::max<int64_t>(extent, 1);
        if (factor > kMaxTensorElements / product) {
          return ModelError("tensor too large", where, "at most 2^48 elements", "more");
        }
        product *= factor;
        view->shape.push_back(extent);
      }
      has_shape = true;
    } else if (key == "data_offsets") {
      simdjson::dom::array pair;
      if (has_offsets || value.get(pair) != simdjson::SUCCESS || pair.size() != 2 ||
          pair.at(0).get(span->begin) != simdjson::SUCCESS ||
          pair.at(1).get(span->end) != simdjson::SUCCESS) {
        return ModelError("bad data_offsets", where, "a list of two numbers", "something else");
      }
      has_offsets = true;
    } else {
      // A field of a later version may change what the bytes mean.
      return ModelError("unknown field", where, "dtype, shape, data_offsets", QuoteKey(key));
    }
  }
  if (!has_dtype || !has_shape || !has_offsets) {
    return ModelError("incomplete tensor entry", where, "dtype, shape and data_offsets", "fewer");
  }
  if (span->begin < 0 || span->end < span->begin || span->end > data_size) {
    return ModelError("tensor outside of the file", where, "offsets within 0 .. " + std::to_string(data_size),
                      std::to_string(span->begin) + " .. " + std::to_string(span->end));
  }
  // With this, whoever reads `bytes()` from `data` stays in the file; nobody checks again.
  if (span->end - span->begin != view->bytes()) {
    return ModelError("offsets do not fit the shape", where,
                      std::to_string(view->bytes()) + " bytes for " + DTypeName(view->dtype) + " " +
                          ShapeString(view->shape),
                      std::to_string(span->end - span->begin));
  }
  return {};
}

Result<void> ParseMetadata(simdjson::dom::element value, const std::string& name,
                           std::map<std::string, std::string>* out) {
  simdjson::dom::object object;
  if (value.get(object) != simdjson::SUCCESS) {
    return ModelError("bad __metadata__", name, "an object of strings", "another type");
  }
  for (const auto& [key, item] : object) {
    std::string_view text;
    if (item.get(text) != simdjson::SUCCESS) {
      return ModelError("bad __metadata__", name, "an object of strings", "another type at " + QuoteKey(key));
    }
    if (!out->emplace(std::string(key), std::string(text)).second) {
      return ModelError("key occurs twice in __metadata__", name, "each once", QuoteKey(key));
    }
  }
  return {};
}

// A file that another kind of file lies in the place of is named as what it is.
Error BadFile(std::span<const std::byte> bytes, const Error& otherwise) {
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  const FileKind kind = KindOfFile(text);
  if (kind == FileKind::kUnknown || kind == FileKind::kSafetensors) return otherwise;
  return ModelError("not a safetensors file", otherwise.where, "tensors", DescribeFile(text));
}

// Offsets must cover the data exactly once: hidden bytes between tensors are refused too.
Result<void> CheckCover(std::vector<Span> spans, int64_t data_size, const std::string& name) {
  std::sort(spans.begin(), spans.end(), [](const Span& a, const Span& b) {
    // Empty tensors share their place with the next one and go before it.
    return a.begin != b.begin ? a.begin < b.begin : a.end < b.end;
  });
  int64_t at = 0;
  for (const Span& span : spans) {
    if (span.begin != at) {
      return ModelError(span.begin < at ? "tensors overlap" : "hole before tensor",
                        name + ", tensor " + QuoteKey(*span.name), "begin at " + std::to_string(at),
                        std::to_string(span.begin));
    }
    at = span.end;
  }
  if (at != data_size) {
    return ModelError("file size does not fit the header", name, std::to_string(at) + " bytes of data",
                      std::to_string(data_size));
  }
  return {};
}

}  // namespace

Result<SafetensorsContents> ParseSafetensors(std::span<const std::byte> bytes, const std::string& name) {
  uint64_t header_size = 0;
  if (bytes.size() < 8)
    return BadFile(bytes, ModelError("file too short", name, "a safetensors file",
                                     std::to_string(bytes.size()) + " bytes"));
  // Layout: u64 size of the header, little endian; the header; the data, to which offsets are relative.
  std::memcpy(&header_size, bytes.data(), 8);
  if (header_size > kMaxHeader || header_size > bytes.size() - 8) {
    return BadFile(
        bytes,
        ModelError("bad header size", name,
                   "at most " + std::to_string(std::min<uint64_t>(kMaxHeader, bytes.size() - 8)) + " bytes",
                   std::to_string(header_size)));
  }
  const std::byte* data = bytes.data() + 8 + header_size;
  const int64_t data_size = static_cast<int64_t>(bytes.size() - 8 - header_size);

  simdjson::dom::parser parser;
  simdjson::dom::element root;
  // simdjson, not ParseJson: of a large model the header is megabytes, with an entry for each tensor. It
  // checks UTF-8, but not that a key stands once; that is done below.
  const auto code = parser.parse(reinterpret_cast<const uint8_t*>(bytes.data() + 8), header_size).get(root);
  if (code != simdjson::SUCCESS) {
    return BadFile(
        bytes, ModelError("header is not valid JSON", name, "a JSON object", simdjson::error_message(code)));
  }
  simdjson::dom::object object;
  if (root.get(object) != simdjson::SUCCESS)
    return ModelError("bad header", name, "a JSON object", "another type");

  SafetensorsContents out;
  std::vector<Span> spans;
  bool has_metadata = false;
  for (const auto& [key, value] : object) {
    if (key == "__metadata__") {
      if (has_metadata) return ModelError("key occurs twice", name, "each once", "'__metadata__'");
      has_metadata = true;
      GATEHOUSE_TRY(ParseMetadata(value, name, &out.metadata));
      continue;
    }
    TensorView view;
    Span span{};
    const std::string where = name + ", tensor " + QuoteKey(key);
    GATEHOUSE_TRY(ParseEntry(value, where, data_size, &view, &span));
    view.data = data + span.begin;
    const auto [place, is_new] = out.tensors.emplace(std::string(key), std::move(view));
    if (!is_new) return ModelError("tensor occurs twice", where, "each name once", "two entries");
    span.name = &place->first;
    spans.push_back(span);
  }
  GATEHOUSE_TRY(CheckCover(std::move(spans), data_size, name));
  return out;
}

Result<SafetensorsFile> SafetensorsFile::Open(const std::string& path) {
  GATEHOUSE_ASSIGN(MappedFile file, MappedFile::Open(path));
  GATEHOUSE_ASSIGN(SafetensorsContents contents, ParseSafetensors(file.bytes(), path));
  return SafetensorsFile(std::move(file), std::move(contents));
}

const TensorView* SafetensorsFile::Find(std::string_view name) const {
  const auto found = contents_.tensors.find(name);
  return found == contents_.tensors.end() ? nullptr : &found->second;
}

}  // namespace gatehouse

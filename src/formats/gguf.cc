#include "formats/gguf.h"

#include <algorithm>
#include <cstring>
#include <iterator>
#include <type_traits>

#include "base/error.h"
#include "base/file_kind.h"

namespace gatehouse {
namespace {

constexpr uint64_t kMaxEntries = 1u << 17;  // tensors, and metadata keys
constexpr int64_t kMaxElements = int64_t{1} << 48;

enum class Type : uint32_t {
  kU8,
  kI8,
  kU16,
  kI16,
  kU32,
  kI32,
  kF32,
  kBool,
  kString,
  kArray,
  kU64,
  kI64,
  kF64
};

// Types by their numbers, as ggml names them; no name: not in use (any more).
constexpr const char* kTypeNames[] = {
    "F32",     "F16",   "Q4_0",   "Q4_1",  "Q4_2",     "Q4_3",     "Q5_0",     "Q5_1",    "Q8_0",
    "Q8_1",    "Q2_K",  "Q3_K",   "Q4_K",  "Q5_K",     "Q6_K",     "Q8_K",     "IQ2_XXS", "IQ2_XS",
    "IQ3_XXS", "IQ1_S", "IQ4_NL", "IQ3_S", "IQ2_S",    "IQ4_XS",   "I8",       "I16",     "I32",
    "I64",     "F64",   "IQ1_M",  "BF16",  "Q4_0_4_4", "Q4_0_4_8", "Q4_0_8_8", "TQ1_0",   "TQ2_0",
    nullptr,   nullptr, nullptr,  "MXFP4", "NVFP4",    "Q1_0"};
constexpr const char* kTypesRead =
    "F32, F16, BF16, Q8_0, Q6_K, Q5_K, Q5_0, Q5_1, Q4_K, Q4_0, Q4_1, IQ4_NL, IQ4_XS, Q3_K or Q2_K";

std::string TypeName(uint32_t id) {
  const char* name = id < std::size(kTypeNames) ? kTypeNames[id] : nullptr;
  return (name == nullptr ? std::string() : name + std::string(", ")) + "type " + std::to_string(id);
}

std::optional<DType> TensorType(uint32_t id) {
  const char* name = id < std::size(kTypeNames) ? kTypeNames[id] : nullptr;
  return name == nullptr ? std::nullopt : DTypeFromName(name);
}

// Reads from the front of a file, never beyond its end. After the first short read all reads give zeros and
// good() is false, so that callers check once per record.
class Cursor {
 public:
  Cursor(std::span<const std::byte> bytes) : bytes_(bytes) {}
  bool good() const { return good_; }
  size_t at() const { return at_; }
  size_t left() const { return bytes_.size() - at_; }

  template <typename T>
  T Read() {
    T value{};
    if (left() < sizeof(T)) {
      good_ = false;
      at_ = bytes_.size();
      return value;
    }
    std::memcpy(&value, bytes_.data() + at_, sizeof(T));
    at_ += sizeof(T);
    return value;
  }
  std::string_view ReadString() {
    const auto size = Read<uint64_t>();
    if (size > left()) {
      good_ = false;
      at_ = bytes_.size();
      return {};
    }
    const std::string_view text(reinterpret_cast<const char*>(bytes_.data() + at_), size);
    at_ += size;
    return text;
  }

 private:
  std::span<const std::byte> bytes_;
  size_t at_ = 0;
  bool good_ = true;
};

std::string Quote(std::string_view text) { return "'" + std::string(text.substr(0, 100)) + "'"; }

class Parser {
 public:
  Parser(std::span<const std::byte> bytes, const std::string& name)
      : bytes_(bytes), cursor_(bytes), name_(name) {}

  Result<GgufContents> Parse() {
    // "GGUF", read as a little-endian number.
    if (cursor_.Read<uint32_t>() != 0x46554747u) {
      const std::string kind = DescribeFile({reinterpret_cast<const char*>(bytes_.data()), bytes_.size()});
      return ModelError("not a GGUF file", name_, "the mark 'GGUF'", kind.empty() ? "other bytes" : kind);
    }
    const auto version = cursor_.Read<uint32_t>();
    // Version 1 counted in 32 bits, and nobody publishes it any more. A big-endian file shows as a huge
    // version.
    if (version != 2 && version != 3) {
      return ModelError("unknown GGUF version", name_, "2 or 3, little endian", std::to_string(version));
    }
    const auto tensors = cursor_.Read<uint64_t>();
    const auto keys = cursor_.Read<uint64_t>();
    if (!cursor_.good()) return Cut();
    if (tensors > kMaxEntries || keys > kMaxEntries) {
      return ModelError("bad counts", name_, "at most " + std::to_string(kMaxEntries) + " tensors and keys",
                        std::to_string(tensors) + " and " + std::to_string(keys));
    }
    for (uint64_t i = 0; i < keys; ++i) GATEHOUSE_TRY(ParsePair());
    for (uint64_t i = 0; i < tensors; ++i) GATEHOUSE_TRY(ParseTensor());
    GATEHOUSE_TRY(PlaceTensors());
    return std::move(out_);
  }

 private:
  struct Place {
    uint64_t offset;
    TensorView* view;
    const std::string* name;
  };

  Error Cut() const {
    return ModelError("file ends within its header", name_, "more bytes", std::to_string(bytes_.size()));
  }

  // One scalar of a type other than string and array.
  Result<GgufValue> ParseScalar(Type type, const std::string& where) {
    switch (type) {
      case Type::kU8:
        return GgufValue(int64_t{cursor_.Read<uint8_t>()});
      case Type::kI8:
        return GgufValue(int64_t{cursor_.Read<int8_t>()});
      case Type::kU16:
        return GgufValue(int64_t{cursor_.Read<uint16_t>()});
      case Type::kI16:
        return GgufValue(int64_t{cursor_.Read<int16_t>()});
      case Type::kU32:
        return GgufValue(int64_t{cursor_.Read<uint32_t>()});
      case Type::kI32:
        return GgufValue(int64_t{cursor_.Read<int32_t>()});
      case Type::kI64:
        return GgufValue(cursor_.Read<int64_t>());
      case Type::kF32:
        return GgufValue(double{cursor_.Read<float>()});
      case Type::kF64:
        return GgufValue(cursor_.Read<double>());
      case Type::kBool:
        return GgufValue(cursor_.Read<uint8_t>() != 0);
      case Type::kU64: {
        const auto value = cursor_.Read<uint64_t>();
        // All whole numbers are kept in one type, so that readers do not care how a converter chose to store
        // 32.
        if (value > static_cast<uint64_t>(INT64_MAX))
          return ModelError("number too large", where, "below 2^63", std::to_string(value));
        return GgufValue(static_cast<int64_t>(value));
      }
      default:
        return ModelError("unknown metadata type", where, "0 to 12",
                          std::to_string(static_cast<uint32_t>(type)));
    }
  }

  Result<GgufValue> ParseArray(const std::string& where) {
    const auto type = static_cast<Type>(cursor_.Read<uint32_t>());
    const auto count = cursor_.Read<uint64_t>();
    // An element takes at least one byte, a string eight: a count that the file cannot hold is refused
    // unread.
    const uint64_t least = type == Type::kString ? 8 : 1;
    if (count > cursor_.left() / least)
      return ModelError("array longer than the file", where, "fewer elements", std::to_string(count));
    // The format allows it; no key of a model has one, and depth would have to be bounded.
    if (type == Type::kArray) return ModelError("nested array", where, "plain elements", "arrays");
    if (type == Type::kString) {
      std::vector<std::string_view> out;
      for (uint64_t i = 0; i < count && cursor_.good(); ++i) out.push_back(cursor_.ReadString());
      return GgufValue(std::move(out));
    }
    std::vector<int64_t> ints;
    std::vector<double> numbers;
    for (uint64_t i = 0; i < count && cursor_.good(); ++i) {
      GATEHOUSE_ASSIGN(const GgufValue value, ParseScalar(type, where));
      if (const auto* number = std::get_if<double>(&value)) numbers.push_back(*number);
      if (const auto* integer = std::get_if<int64_t>(&value)) ints.push_back(*integer);
      if (const auto* flag = std::get_if<bool>(&value)) ints.push_back(*flag ? 1 : 0);
    }
    if (type == Type::kF32 || type == Type::kF64) return GgufValue(std::move(numbers));
    return GgufValue(std::move(ints));
  }

  Result<void> ParsePair() {
    const std::string_view key = cursor_.ReadString();
    const auto type = static_cast<Type>(cursor_.Read<uint32_t>());
    if (!cursor_.good()) return Cut();
    const std::string where = name_ + ", key " + Quote(key);
    GgufValue value;
    if (type == Type::kString) {
      value = cursor_.ReadString();
    } else if (type == Type::kArray) {
      GATEHOUSE_ASSIGN(value, ParseArray(where));
    } else {
      GATEHOUSE_ASSIGN(value, ParseScalar(type, where));
    }
    if (!cursor_.good()) return Cut();
    if (!out_.metadata.emplace(std::string(key), std::move(value)).second) {
      return ModelError("key occurs twice", where, "each once", "two");
    }
    return {};
  }

  Result<void> ParseTensor() {
    const std::string_view key = cursor_.ReadString();
    const auto dims = cursor_.Read<uint32_t>();
    if (!cursor_.good()) return Cut();
    const std::string where = name_ + ", tensor " + Quote(key);
    // ggml has four dimensions at most.
    if (dims < 1 || dims > 4)
      return ModelError("bad number of dimensions", where, "1 to 4", std::to_string(dims));
    TensorView view;
    int64_t product = 1;
    for (uint32_t dim = 0; dim < dims; ++dim) {
      const auto extent = cursor_.Read<uint64_t>();
      if (!cursor_.good()) return Cut();
      if (extent < 1 || extent > static_cast<uint64_t>(kMaxElements / product)) {
        return ModelError("bad size", where, "at least 1, at most 2^48 elements", std::to_string(extent));
      }
      product *= static_cast<int64_t>(extent);
      view.shape.push_back(static_cast<int64_t>(extent));
    }
    // GGUF names the contiguous dimension first; a shape here has it last.
    std::reverse(view.shape.begin(), view.shape.end());
    const auto type = cursor_.Read<uint32_t>();
    const auto offset = cursor_.Read<uint64_t>();
    if (!cursor_.good()) return Cut();
    const auto dtype = TensorType(type);
    if (!dtype) {
      return ModelError("unsupported tensor type", where, kTypesRead, TypeName(type));
    }
    view.dtype = *dtype;
    // Rows begin at whole blocks, or nobody could read one row by itself.
    if (view.shape.back() % BlockOf(*dtype).values != 0) {
      return ModelError("row is no whole number of blocks", where,
                        "a multiple of " + std::to_string(BlockOf(*dtype).values),
                        std::to_string(view.shape.back()));
    }
    const auto [place, is_new] = out_.tensors.emplace(std::string(key), std::move(view));
    if (!is_new) return ModelError("tensor occurs twice", where, "each name once", "two");
    places_.push_back({offset, &place->second, &place->first});
    return {};
  }

  // Data begin after the header at a multiple of the alignment, and so does each tensor.
  Result<void> PlaceTensors() {
    uint64_t alignment = 32;
    if (const auto found = out_.metadata.find("general.alignment"); found != out_.metadata.end()) {
      const auto* value = std::get_if<int64_t>(&found->second);
      if (value == nullptr || *value < 8 || *value > (1 << 20) || (*value & (*value - 1)) != 0) {
        return ModelError("bad value", name_ + ", general.alignment", "a power of two from 8",
                          "another value");
      }
      alignment = static_cast<uint64_t>(*value);
    }
    const uint64_t start = (cursor_.at() + alignment - 1) / alignment * alignment;
    const uint64_t size = start > bytes_.size() ? 0 : bytes_.size() - start;
    // Entries may come in any order; their data must lie one behind the other, with no more between two than
    // alignment asks for. What nobody would read could be anything.
    std::sort(places_.begin(), places_.end(),
              [](const Place& a, const Place& b) { return a.offset < b.offset; });
    uint64_t end = 0;
    for (const Place& place : places_) {
      const std::string where = name_ + ", tensor " + Quote(*place.name);
      const auto bytes = static_cast<uint64_t>(place.view->bytes());
      const uint64_t expected = (end + alignment - 1) / alignment * alignment;
      if (place.offset != expected) {
        return ModelError(place.offset < expected ? "tensors overlap" : "hole before tensor", where,
                          "offset " + std::to_string(expected), std::to_string(place.offset));
      }
      // Written so that no sum can overflow: offset and size are the file's.
      if (bytes > size || place.offset > size - bytes) {
        return ModelError("tensor outside of the file", where,
                          "at most " + std::to_string(size) + " bytes of data",
                          std::to_string(place.offset + bytes));
      }
      place.view->data = bytes_.data() + start + place.offset;
      end = place.offset + bytes;
    }
    return {};
  }

  std::span<const std::byte> bytes_;
  Cursor cursor_;
  std::string name_;
  GgufContents out_;
  std::vector<Place> places_;
};

// The value of a key as T; absent gives the default.
template <typename T>
Result<T> Typed(const GgufFile& file, std::string_view key, const std::optional<T>& otherwise,
                const char* expected) {
  const GgufValue* value = file.Value(key);
  const std::string where = file.name() + ", key " + Quote(key);
  if (value == nullptr) {
    if (otherwise) return *otherwise;
    return ModelError("key missing", where, expected, "nothing");
  }
  if (const T* typed = std::get_if<T>(value)) return *typed;
  if constexpr (std::is_same_v<T, double>) {
    // Some converters write 500000 where others write 500000.0.
    if (const auto* integer = std::get_if<int64_t>(value)) return static_cast<double>(*integer);
  }
  return ModelError("wrong type", where, expected, "another type");
}

}  // namespace

Result<GgufContents> ParseGguf(std::span<const std::byte> bytes, const std::string& name) {
  return Parser(bytes, name).Parse();
}

Result<GgufFile> GgufFile::FromBytes(std::span<const std::byte> bytes, const std::string& name) {
  GATEHOUSE_ASSIGN(GgufContents contents, ParseGguf(bytes, name));
  GgufFile file;
  file.name_ = name;
  file.contents_ = std::make_shared<GgufContents>(std::move(contents));
  return file;
}

Result<GgufFile> GgufFile::OpenPart(const std::string& path) {
  GATEHOUSE_ASSIGN(MappedFile mapped, MappedFile::Open(path));
  auto owner = std::make_shared<MappedFile>(std::move(mapped));
  GATEHOUSE_ASSIGN(GgufFile file, FromBytes(owner->bytes(), path));
  file.file_ = std::move(owner);
  return file;
}

const TensorView* GgufFile::Find(std::string_view name) const {
  const auto found = contents_->tensors.find(name);
  return found == contents_->tensors.end() ? nullptr : &found->second;
}

const GgufValue* GgufFile::Value(std::string_view key) const {
  const auto found = contents_->metadata.find(key);
  return found == contents_->metadata.end() ? nullptr : &found->second;
}

Result<int64_t> GgufFile::Int(std::string_view key, std::optional<int64_t> otherwise) const {
  return Typed<int64_t>(*this, key, otherwise, "a whole number");
}
Result<double> GgufFile::Number(std::string_view key, std::optional<double> otherwise) const {
  return Typed<double>(*this, key, otherwise, "a number");
}
Result<bool> GgufFile::Bool(std::string_view key, std::optional<bool> otherwise) const {
  return Typed<bool>(*this, key, otherwise, "true or false");
}
Result<std::string_view> GgufFile::String(std::string_view key,
                                          std::optional<std::string_view> otherwise) const {
  return Typed<std::string_view>(*this, key, otherwise, "a string");
}
Result<std::vector<std::string_view>> GgufFile::Strings(std::string_view key) const {
  return Typed<std::vector<std::string_view>>(*this, key, std::vector<std::string_view>(),
                                              "a list of strings");
}
Result<std::vector<int64_t>> GgufFile::Ints(std::string_view key) const {
  return Typed<std::vector<int64_t>>(*this, key, std::vector<int64_t>(), "a list of whole numbers");
}

}  // namespace gatehouse

#include "support/gguf_maker.h"

#include <algorithm>

namespace gatehouse::test {
namespace {

template <typename T>
void Put(std::string* out, T value) {
  out->append(reinterpret_cast<const char*>(&value), sizeof value);
}

void PutString(std::string* out, std::string_view text) {
  Put<uint64_t>(out, text.size());
  out->append(text);
}

}  // namespace

GgufMaker& GgufMaker::Raw(std::string_view key, uint32_t type, std::string_view bytes) {
  PutString(&metadata_, key);
  Put(&metadata_, type);
  metadata_.append(bytes);
  ++keys_;
  return *this;
}

GgufMaker& GgufMaker::U32(std::string_view key, uint32_t value) {
  return Raw(key, 4, {reinterpret_cast<const char*>(&value), sizeof value});
}
GgufMaker& GgufMaker::U64(std::string_view key, uint64_t value) {
  return Raw(key, 10, {reinterpret_cast<const char*>(&value), sizeof value});
}
GgufMaker& GgufMaker::F32(std::string_view key, float value) {
  return Raw(key, 6, {reinterpret_cast<const char*>(&value), sizeof value});
}
GgufMaker& GgufMaker::Bool(std::string_view key, bool value) {
  return Raw(key, 7, std::string(1, value ? '\1' : '\0'));
}
GgufMaker& GgufMaker::Text(std::string_view key, std::string_view value) {
  std::string bytes;
  PutString(&bytes, value);
  return Raw(key, 8, bytes);
}
GgufMaker& GgufMaker::Texts(std::string_view key, const std::vector<std::string>& values) {
  std::string bytes;
  Put<uint32_t>(&bytes, 8);
  Put<uint64_t>(&bytes, values.size());
  for (const std::string& value : values) PutString(&bytes, value);
  return Raw(key, 9, bytes);
}
GgufMaker& GgufMaker::I32s(std::string_view key, const std::vector<int32_t>& values) {
  std::string bytes;
  Put<uint32_t>(&bytes, 5);
  Put<uint64_t>(&bytes, values.size());
  for (int32_t value : values) Put(&bytes, value);
  return Raw(key, 9, bytes);
}

GgufMaker& GgufMaker::Tensor(std::string_view name, uint32_t type, std::vector<uint64_t> sizes,
                             std::string data) {
  return TensorAt(name, type, std::move(sizes), std::move(data),
                  (data_.size() + alignment - 1) / alignment * alignment);
}

GgufMaker& GgufMaker::TensorAt(std::string_view name, uint32_t type, std::vector<uint64_t> sizes,
                               std::string data, uint64_t offset) {
  PutString(&infos_, name);
  Put(&infos_, static_cast<uint32_t>(sizes.size()));
  for (uint64_t size : sizes) Put(&infos_, size);
  Put(&infos_, type);
  Put(&infos_, offset);
  data_.resize((data_.size() + alignment - 1) / alignment * alignment);
  data_ += data;
  ++tensors_;
  return *this;
}

std::string GgufMaker::Bytes() const {
  std::string out;
  Put(&out, magic);
  Put(&out, version);
  Put(&out, tensors_);
  Put(&out, keys_);
  out += metadata_ + infos_;
  out.resize((out.size() + alignment - 1) / alignment * alignment);
  return out + data_;
}

std::vector<float> ToRotaryOrder(const std::vector<float>& rows, int64_t head_dim, int64_t cols) {
  std::vector<float> out(rows.size());
  const int64_t heads = static_cast<int64_t>(rows.size()) / cols / head_dim;
  auto to = out.begin();
  for (int64_t head = 0; head < heads; ++head) {
    for (int64_t pair = 0; pair < head_dim / 2; ++pair) {
      for (int64_t half = 0; half < 2; ++half) {
        const auto from = rows.begin() + ((head * 2 + half) * (head_dim / 2) + pair) * cols;
        to = std::copy(from, from + cols, to);
      }
    }
  }
  return out;
}

}  // namespace gatehouse::test

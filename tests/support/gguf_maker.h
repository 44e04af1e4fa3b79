// GgufMaker: writes GGUF files for tests, good and bad ones.
//
//   GgufMaker maker;
//   maker.Text("general.architecture", "llama").U32("llama.block_count", 2);
//   maker.Tensor("token_embd.weight", /*type=*/0, {hidden, vocab}, bytes);  // sizes as GGUF has them, inner
//   first std::string file = maker.Bytes();
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace gatehouse::test {

class GgufMaker {
 public:
  uint32_t magic = 0x46554747u;
  uint32_t version = 3;
  uint64_t alignment = 32;  // what is applied; not what the metadata say

  GgufMaker& U32(std::string_view key, uint32_t value);
  GgufMaker& U64(std::string_view key, uint64_t value);
  GgufMaker& F32(std::string_view key, float value);
  GgufMaker& Bool(std::string_view key, bool value);
  GgufMaker& Text(std::string_view key, std::string_view value);
  GgufMaker& Texts(std::string_view key, const std::vector<std::string>& values);
  GgufMaker& I32s(std::string_view key, const std::vector<int32_t>& values);
  // type, then bytes of the value as they are.
  GgufMaker& Raw(std::string_view key, uint32_t type, std::string_view bytes);
  GgufMaker& Tensor(std::string_view name, uint32_t type, std::vector<uint64_t> sizes, std::string data);
  // As Tensor, at an offset that the caller chooses.
  GgufMaker& TensorAt(std::string_view name, uint32_t type, std::vector<uint64_t> sizes, std::string data,
                      uint64_t offset);

  std::string Bytes() const;

 private:
  uint64_t keys_ = 0;
  std::string metadata_;
  uint64_t tensors_ = 0;
  std::string infos_;
  std::string data_;
};

// Sorts a llama model's q or k rows from Hugging Face order into GGUF's, as llama.cpp's converter does: per
// head, [2, head_dim / 2] becomes [head_dim / 2, 2].
std::vector<float> ToRotaryOrder(const std::vector<float>& rows, int64_t head_dim, int64_t cols);

}  // namespace gatehouse::test

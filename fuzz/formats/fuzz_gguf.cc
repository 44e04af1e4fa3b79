// Any bytes as a GGUF file: errors, or tensors that lie within them; then the readers of what it says.
#include <cstdlib>

#include "base/file_kind.h"
#include "formats/gguf_model.h"
#include "model/tensor_table.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::span bytes(reinterpret_cast<const std::byte*>(data), size);
  (void)gatehouse::DescribeFile({reinterpret_cast<const char*>(data), size});
  const auto file = gatehouse::GgufFile::FromBytes(bytes, "fuzz");
  if (!file.ok()) return 0;
  for (const auto& [name, view] : file->tensors()) {
    if (view.data < bytes.data() || view.bytes() < 0 || view.data + view.bytes() > bytes.data() + size)
      std::abort();
    (void)gatehouse::IdOfGguf(name);
    float block[256];  // the first one of any type
    (void)gatehouse::ToFloat(view, 0, gatehouse::BlockOf(view.dtype).values, block);
  }
  (void)gatehouse::ModelConfigFromGguf(*file);
  (void)gatehouse::ReadGgufTokenizer(*file);
  return 0;
}

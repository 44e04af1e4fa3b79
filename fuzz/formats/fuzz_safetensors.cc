// Any bytes as a safetensors file: an error, or tensors that lie within them.
#include <cstdlib>

#include "formats/safetensors.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::span bytes(reinterpret_cast<const std::byte*>(data), size);
  const auto contents = gatehouse::ParseSafetensors(bytes, "fuzz");
  if (!contents.ok()) return 0;
  for (const auto& [name, view] : contents->tensors) {
    if (view.data < bytes.data() || view.bytes() < 0 || view.data + view.bytes() > bytes.data() + size)
      std::abort();
  }
  return 0;
}

// Any text as config.json: an error, or a configuration that survives being written and read again.
#include <cstdlib>

#include "formats/model_config.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto config = gatehouse::ParseModelConfig({reinterpret_cast<const char*>(data), size}, "fuzz");
  if (!config.ok()) return 0;
  const std::string written = gatehouse::ModelConfigToJson(*config);
  const auto again = gatehouse::ParseModelConfig(written, "again");
  if (!again.ok() || gatehouse::ModelConfigToJson(*again) != written) std::abort();
  return 0;
}

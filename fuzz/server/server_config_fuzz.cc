// Any bytes as a configuration file: an error that quotes nothing of keys, or a configuration. Seeds:
// configs/.
#include <cstdint>
#include <string_view>

#include "server/config.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto config = gatehouse::server::ParseConfig({reinterpret_cast<const char*>(data), size}, "fuzz");
  if (!config.ok() && config.error().Message().empty()) __builtin_trap();
  return 0;
}

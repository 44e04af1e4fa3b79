#include "backend/create.h"

#include "backend/cpu_backend.h"
#include "base/error.h"

namespace gatehouse {

Result<void> CheckDevice(const std::string& device) {
  if (device == "cpu") return {};
  return UsageError("unknown device", "device", kBackendDevices, device);
}

Result<std::unique_ptr<Backend>> CreateBackend(const BackendOptions& options) {
  GATEHOUSE_TRY(CheckDevice(options.device));
  return CreateCpuBackend(options);
}

}  // namespace gatehouse

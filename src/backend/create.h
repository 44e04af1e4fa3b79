// CreateBackend: the device that a model runs on, chosen in one place.
//
//   GATEHOUSE_ASSIGN(auto backend, CreateBackend({.threads = 2, .f32 = true}));
#pragma once

#include <memory>
#include <string>

#include "backend/backend.h"

namespace gatehouse {

struct BackendOptions {
  std::string device = "cpu";
  int threads = 0;       // of the host; 0: one for each core that this process may use
  bool f32 = false;      // compute in float32 throughout; else bf16 products where the device has them
  bool kv_int8 = false;  // keys and values rounded to 8 bits; else BF16, or float32 with f32
};

// The names that `device` may have.
inline constexpr const char* kBackendDevices = "cpu";
// Errors: kUsage: none of them. For who has much to do before there is a backend.
Result<void> CheckDevice(const std::string& device);

// Errors: kUsage: an unknown device, or GATEHOUSE_ISA names what this machine lacks; kInternal: no memory or
// no threads to be had.
Result<std::unique_ptr<Backend>> CreateBackend(const BackendOptions& options);

}  // namespace gatehouse

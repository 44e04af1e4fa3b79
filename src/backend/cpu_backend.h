// The CPU backend: kernels of one instruction set, run by one thread pool.
//
//   GATEHOUSE_ASSIGN(auto backend, CreateCpuBackend({.threads = 2, .f32 = true}));
#pragma once

#include <memory>

#include "backend/backend.h"

namespace gatehouse {

struct CpuBackendOptions {
  int threads = 0;       // 0: one for each core that this process may use
  bool f32 = false;      // compute in float32 throughout; else bf16 products where the machine has them
  bool kv_int8 = false;  // keys and values rounded to 8 bits; else BF16, or float32 with f32
};

// Errors: kUsage when GATEHOUSE_ISA names what this machine lacks.
Result<std::unique_ptr<Backend>> CreateCpuBackend(const CpuBackendOptions& options);

}  // namespace gatehouse

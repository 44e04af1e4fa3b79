// GGUF's quantised blocks, widened to float32. Layouts: ggml's documented block formats.
#pragma once

#include <cstddef>
#include <cstdint>

namespace gatehouse {

// `source` begins a block; count is a multiple of the block's values (32; 256 for Q6_K).
void DequantizeQ8_0(const std::byte* source, int64_t count, float* out);
void DequantizeQ4_0(const std::byte* source, int64_t count, float* out);
void DequantizeQ4_1(const std::byte* source, int64_t count, float* out);
void DequantizeQ6_K(const std::byte* source, int64_t count, float* out);

}  // namespace gatehouse

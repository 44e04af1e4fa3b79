// Kernels of one matrix product Y = X W^T, one table per instruction set.
//
// W [N, K] is used in panels of kPanel = 32 outputs. A packed panel is
//   bf16: uint16 [K/2][32][2]   (K padded to even with zeros; the stored layout of converted models)
//   f32:  float  [K][32]
// A table computes in one of the two: `compute` says which. X is row-major; a bf16 table wants X rounded to
// bf16 (`round`), a f32 table takes it as it is. Every output is summed over K in one fixed order (blocks of
// kBlockK, in order), whatever M, the tile or the thread, so a row's result never depends on its neighbours.
//
// These functions are stateless: no allocation, no threads, no checks.
#pragma once

#include <cstddef>
#include <cstdint>

namespace gatehouse {

constexpr int kPanel = 32;
constexpr int64_t kBlockK = 1024;

enum class ComputeType { kF32, kBF16 };

struct LinearKernel {
  const char* name;  // "avx512-bf16/bf16"
  ComputeType compute;

  // Rows x_stride elements apart, rounded to bf16 bits, K padded with a zero to even. x: f32 [rows][k],
  // out: uint16 [rows][k rounded up to even]. Null for f32 tables.
  void (*round)(const float* x, int64_t rows, int64_t k, int64_t x_stride, uint16_t* out);

  // One panel's products for all rows: y[r][0..columns) = sum_k x[r][k] * w[c][k], columns <= 32.
  // x: f32 [rows] rows x_stride floats apart, or (bf16 tables) uint16 rows x_stride elements apart. A stride
  // of a multiple of 4 KB costs about 5 %; it never changes a result. panel: as above. y: f32, rows y_stride
  // floats apart; overwritten. scratch: scratch_bytes(rows, k), 64-byte aligned.
  void (*run)(const void* x, int64_t x_stride, int64_t rows, int64_t k, const void* panel, float* y,
              int64_t y_stride, int columns, void* scratch);
  // The same on top of what y holds: y[r][c] is the first term of its sum.
  void (*run_onto)(const void* x, int64_t x_stride, int64_t rows, int64_t k, const void* panel, float* y,
                   int64_t y_stride, int columns, void* scratch);
  size_t (*scratch_bytes)(int64_t rows, int64_t k);

  // Widens a packed bf16 panel into this table's own (f32 tables only; null for bf16): uint16 [K/2][32][2] ->
  // f32 [K][32].
  void (*widen_panel)(const uint16_t* packed, int64_t k, float* panel);
  // The same product as `run` of the widened panel, to the bit, from the packed panel itself (f32 tables
  // only): faster, for a whole widened panel is larger than the second cache.
  void (*run_packed)(const float* x, int64_t x_stride, int64_t rows, int64_t k, const uint16_t* packed,
                     float* y, int64_t y_stride, int columns, void* scratch);
  void (*run_packed_onto)(const float* x, int64_t x_stride, int64_t rows, int64_t k, const uint16_t* packed,
                          float* y, int64_t y_stride, int columns, void* scratch);
  // Packs up to 32 rows (row-major, row_stride elements apart) of f32 or bf16 weights into a panel of this
  // table's compute type; missing rows become zeros.
  void (*pack_f32)(const float* w, int64_t row_stride, int rows, int64_t k, void* panel);
  void (*pack_bf16)(const uint16_t* w, int64_t row_stride, int rows, int64_t k, void* panel);

  // A register-only loop of this table's multiply-add instruction; returns operations done (2 per
  // multiply-add). `iterations` outer repeats; used to measure the peak.
  double (*peak_loop)(int64_t iterations);
};

// The tables are constants: reading one runs none of its instruction set's code. Which of them this processor
// runs is asked of tables.h; those of another kind of processor than the build's are not there at all.
extern const LinearKernel kRefLinearF32, kRefLinearBf16;
extern const LinearKernel kAvx2LinearF32, kAvx512LinearF32;
extern const LinearKernel kAvx512LinearBf16;  // VDPBF16PS
extern const LinearKernel kNeonLinearF32;
extern const LinearKernel kNeonLinearBf16;  // BFDOT

}  // namespace gatehouse

// Kernels on rows of float32 that only training asks for: the way back through a softmax, an activation, a
// norm. One table per instruction set, under the rules of vector/vector.h.
#pragma once

#include <cstdint>

namespace gatehouse {

struct BackKernel {
  const char* name;
  float (*largest)(const float* x, int64_t n);  // n >= 1
  // x in place becomes e^(scale (x - shift)), 0 where that is below the smallest normal number; returns the
  // sum. scale > 0; no x far above shift.
  float (*exponentials)(float* x, int64_t n, float scale, float shift);
  // Through y = softmax(scale x): dy in place becomes the gradient of x, scale y (dy - sum(y dy)).
  void (*softmax_back)(const float* y, int64_t n, float scale, float* dy);
  // Through silu(gate) * up: gate and up in place become their gradients.
  void (*swiglu_back)(const float* dy, int64_t n, float* gate, float* up);
  // Through rms_norm: dx becomes the gradient of x, or with `adds` gets it on top. weight may be null (all
  // ones); dx may be dy.
  void (*rms_norm_back)(const float* x, const float* weight, int64_t n, float eps, const float* dy, bool adds,
                        float* dx);
};

// As in linear/linear.h: constants, and only those of the build's kind of processor.
extern const BackKernel kRefBack, kAvx2Back, kAvx512Back, kNeonBack;

}  // namespace gatehouse

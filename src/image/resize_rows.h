// The two inner loops of the resize: weighted sums along one row, and of whole rows. SSE2, which every x86-64
// has, or plain C++; both add the same integers, so their results are equal.
//
// A sum fits int32_t: the weights of a window add up to 2^precision (precision <= 22) but for roundings of
// half a unit each, and a level is at most 255.
#pragma once

#include <cstddef>
#include <cstdint>

#include "image/resize.h"

namespace gatehouse {

// Two rows of the width pass, which share the loads of their weights. rows: 2 x [width][3], which may be the
// same row, outs: 2 x [weights.windows.size()][3], different ones.
void ResizeTwoRows(const ResizeWeights& weights, const uint8_t* const rows[2], size_t width,
                   uint8_t* const outs[2]);

// One row of the height pass: out[x] = rounded sum over k < count of weights[k] * rows[k * stride + x], x <
// stride. weights: [count], followed by one zero where count is odd.
void MixRows(const uint8_t* rows, size_t stride, const int16_t* weights, int count, int precision,
             uint8_t* out);

// The same in plain C++, on every machine; the tests compare the two.
void ResizeRowPortable(const ResizeWeights& weights, const uint8_t* row, uint8_t* out);
void MixRowsPortable(const uint8_t* rows, size_t stride, size_t begin, const int16_t* weights, int count,
                     int precision, uint8_t* out);

}  // namespace gatehouse

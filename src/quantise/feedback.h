// Error feedback: rounding of weights that makes up for each rounding error with the weights still to come,
// so that the products' outputs, not the weights, change least.
//
// With H [K, K] the second moments of the inputs, the outputs' squared error of one row of weights is
// (w - w') H (w - w')^T. Written H = U D U^T with U unit upper triangular and D diagonal it is the sum over k
// of D_k (w_k + sum over j < k of (w_j - w'_j) U_jk - w'_k)^2: going through K in order, each w'_k is the
// number nearest to what stands in the bracket.
//
//   GATEHOUSE_ASSIGN(const FeedbackFactor factor, FactorMoments(moments.second, cols, {}, {}, 0.01, true,
//   name)); RoundPanelWithFeedback(QuantFormat::kQ4, w, cols, rows, factor, values, scales);
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "gatehouse/result.h"
#include "kernels/quant/quant.h"

namespace gatehouse {

struct FeedbackFactor {
  int64_t cols = 0;          // K
  std::vector<float> upper;  // U [K, K], row-major; the diagonal and what is below it are not read
  std::vector<float> d;      // D [K], relative to its mean
};

// second: [cols, cols], symmetric. order, scale: [cols] or empty: the moments are taken of inputs whose
// channel k is x_order[k] * scale[k]. damping: added to the diagonal, in units of its mean. transformed: the
// moments become those of transformed inputs (kernels/vector/vector.h), as rounded weights meet them. All
// zero: no feedback, every column alike. Takes 8 bytes an element beside the result. Errors: kInternal:
// moments that are not finite or not positive definite (name says whose).
Result<FeedbackFactor> FactorMoments(const std::vector<float>& second, int64_t cols,
                                     const std::vector<int64_t>& order, const std::vector<float>& scale,
                                     double damping, bool transformed, const std::string& name);

// As PackQuantPanel (kernels/quant/quant.h), with feedback: up to 32 rows of weights w [rows, factor.cols]
// become a stored panel. A group's scale is searched for the least error of the outputs. Portable: the same
// bytes on every machine.
void RoundPanelWithFeedback(QuantFormat format, const float* w, int rows, const FeedbackFactor& factor,
                            uint8_t* values, float* scales);

}  // namespace gatehouse

#include <Eigen/Cholesky>
#include <cmath>

#include "base/error.h"
#include "kernels/vector/vector.h"
#include "quantise/feedback.h"

namespace gatehouse {

namespace {

void TransformColumns(Eigen::MatrixXd* h) {
  const int64_t n = h->rows();
  for (int64_t begin = 0, size = 0; begin < n; begin += size) {
    size = HadamardSize(n - begin);
    for (int64_t stride = 1; stride < size; stride *= 2) {
      for (int64_t i = begin; i < begin + size; ++i) {
        if (((i - begin) & stride) != 0) continue;
        for (int64_t j = 0; j < n; ++j) {
          const double a = (*h)(j, i), b = (*h)(j, i + stride);
          (*h)(j, i) = a + b;
          (*h)(j, i + stride) = a - b;
        }
      }
    }
  }
}
// The moments of transformed inputs.
void TransformBothSides(Eigen::MatrixXd* h) {
  TransformColumns(h);
  h->transposeInPlace();
  TransformColumns(h);
}

}  // namespace

// H = U D U^T is the Cholesky factorisation of H with rows and columns in reverse order.
Result<FeedbackFactor> FactorMoments(const std::vector<float>& second, int64_t cols,
                                     const std::vector<int64_t>& order, const std::vector<float>& scale,
                                     double damping, bool transformed, const std::string& name) {
  FeedbackFactor out;
  out.cols = cols;
  out.upper.assign(static_cast<size_t>(cols * cols), 0.0f);
  out.d.assign(static_cast<size_t>(cols), 1.0f);
  const auto scale_of = [&](int64_t k) {
    return scale.empty() ? 1.0 : static_cast<double>(scale[static_cast<size_t>(k)]);
  };
  // The backend sums the two halves in different orders: their mean.
  const auto moment = [&](int64_t i, int64_t j) {
    const int64_t a = order.empty() ? i : order[static_cast<size_t>(i)];
    const int64_t b = order.empty() ? j : order[static_cast<size_t>(j)];
    const double both = static_cast<double>(second[static_cast<size_t>(a * cols + b)]) +
                        static_cast<double>(second[static_cast<size_t>(b * cols + a)]);
    return 0.5 * both * scale_of(i) * scale_of(j);
  };
  double mean = 0.0;
  for (int64_t k = 0; k < cols; ++k) mean += moment(k, k) / static_cast<double>(cols);
  if (mean == 0.0) return out;  // nothing was seen
  Eigen::MatrixXd h(cols, cols);
  for (int64_t i = 0; i < cols; ++i) {
    for (int64_t j = 0; j <= i; ++j) h(i, j) = h(j, i) = moment(i, j) / mean;
  }
  h.diagonal().array() += damping;
  if (transformed) TransformBothSides(&h);
  h.reverseInPlace();
  const Eigen::LLT<Eigen::Ref<Eigen::MatrixXd>> done(h);  // in place
  double sum = 0.0;
  for (int64_t k = 0; k < cols; ++k) sum += h(k, k) * h(k, k);
  // Eigen takes a NaN for positive.
  if (done.info() != Eigen::Success || !std::isfinite(sum)) {
    return InternalError(
        "second moments of a product's inputs cannot be factored: they are not finite, or "
        "the damping is too small",
        name);
  }
  for (int64_t k = 0; k < cols; ++k) {
    const double root = h(cols - 1 - k, cols - 1 - k);
    out.d[static_cast<size_t>(k)] = static_cast<float>(root * root * static_cast<double>(cols) / sum);
    for (int64_t j = 0; j < k; ++j) {
      out.upper[static_cast<size_t>(j * cols + k)] = static_cast<float>(h(cols - 1 - j, cols - 1 - k) / root);
    }
  }
  return out;
}

}  // namespace gatehouse

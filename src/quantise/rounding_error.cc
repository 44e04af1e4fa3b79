#include <Eigen/Core>
#include <algorithm>
#include <cmath>

#include "checkpoint/pack.h"
#include "kernels/quant/quant.h"
#include "kernels/vector/vector.h"
#include "quantise/smoothing.h"

namespace gatehouse {
namespace {

using RowMatrix = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

constexpr int64_t kPanelsOfWeight = 6;  // that are looked at

RowMatrix TransformInputs(RowMatrix x) {
  for (int64_t row = 0; row < x.rows(); ++row) kRefVector.hadamard(x.data() + row * x.cols(), x.cols());
  return x;
}

// What the 8-bit kernels see of them.
RowMatrix RoundInputs(RowMatrix x) {
  const int64_t rows = x.rows(), cols = x.cols(), groups = QuantGroups(cols);
  const int64_t stride = (QuantPaddedK(cols) + 63) / 64 * 64;
  std::vector<int8_t> values(static_cast<size_t>(rows * stride));
  std::vector<float> scales(static_cast<size_t>(rows * groups));
  std::vector<int32_t> sums(scales.size());
  kRefQ8.round(x.data(), rows, cols, cols, values.data(), stride, scales.data(), sums.data());
  for (int64_t row = 0; row < rows; ++row) {
    for (int64_t k = 0; k < cols; ++k) {
      x(row, k) = scales[static_cast<size_t>(row * groups + k / kQuantGroup)] *
                  static_cast<float>(values[static_cast<size_t>(row * stride + k)]);
    }
  }
  return x;
}

struct Panel {
  const RoundedProducts::Weight* weight;
  int64_t first;  // row
  int64_t rows;
};

std::vector<Panel> ChoosePanels(const RoundedProducts& products) {
  std::vector<Panel> out;
  for (const RoundedProducts::Weight& weight : products.weights) {
    const int64_t panels = (weight.view.rows + kPanel - 1) / kPanel;
    const int64_t count = std::min(panels, kPanelsOfWeight);
    for (int64_t i = 0; i < count; ++i) {
      const int64_t first = i * panels / count * kPanel;
      out.push_back({&weight, first, std::min<int64_t>(kPanel, weight.view.rows - first)});
    }
  }
  return out;
}

// Rows of the weight as rounding leaves them.
RowMatrix RoundWeights(const RowMatrix& w, QuantFormat format) {
  const int64_t cols = w.cols();
  std::vector<uint8_t> values(static_cast<size_t>(QuantPanelBytes(format, cols)));
  std::vector<float> scales(static_cast<size_t>(QuantGroups(cols) * kPanel));
  std::vector<float> wide(static_cast<size_t>(cols * kPanel));
  PackQuantPanel(format, w.data(), cols, static_cast<int>(w.rows()), cols, values.data(), scales.data());
  WidenQuantPanel(format, {values.data(), scales.data()}, cols, wide.data());
  return Eigen::Map<const RowMatrix>(wide.data(), cols, kPanel).leftCols(w.rows()).transpose();
}

}  // namespace

double RoundingError(const RoundedProducts& products, const std::vector<float>& factors, bool round_inputs,
                     ThreadPool& pool) {
  const int64_t rows = products.inputs->sample_rows, cols = products.inputs->cols;
  if (rows == 0) return 0.0;
  const RowMatrix x = Eigen::Map<const RowMatrix>(products.inputs->samples.data(), rows, cols);
  Eigen::RowVectorXf factor = Eigen::RowVectorXf::Ones(cols);
  if (!factors.empty()) factor = Eigen::Map<const Eigen::RowVectorXf>(factors.data(), cols);
  const RowMatrix divided = x.array().rowwise() / factor.array();
  const RowMatrix transformed = TransformInputs(divided);
  const RowMatrix seen = round_inputs ? RoundInputs(transformed) : transformed;

  const std::vector<Panel> panels = ChoosePanels(products);
  const auto count = static_cast<int64_t>(panels.size());
  RowMatrix wrong = RowMatrix::Zero(count, rows), whole = RowMatrix::Zero(count, rows);
  pool.For(count, [&](int64_t i, int) {
    const Panel& panel = panels[static_cast<size_t>(i)];
    RowMatrix w(panel.rows, cols);
    panel.weight->view.ReadRows(panel.first, panel.rows, w.data());
    const RowMatrix exact = x * w.transpose();
    w.array().rowwise() *= factor.array();
    for (int64_t row = 0; row < panel.rows; ++row) TransformWeights(cols, w.data() + row * cols);
    const RowMatrix rounded = panel.weight->format ? RoundWeights(w, *panel.weight->format) : w;
    wrong.row(i) = (seen * rounded.transpose() - exact).rowwise().squaredNorm().transpose();
    whole.row(i) = exact.rowwise().squaredNorm().transpose();
  });
  const Eigen::RowVectorXf wrong_sum = wrong.colwise().sum(), whole_sum = whole.colwise().sum();
  const float floor = whole_sum.mean() * 1e-3f;  // a row of next to nothing is no measure
  double total = 0.0;
  for (int64_t row = 0; row < rows; ++row) {
    total +=
        static_cast<double>(wrong_sum[row] / std::max(whole_sum[row], floor)) / static_cast<double>(rows);
  }
  return whole_sum.mean() > 0.0f ? total : 0.0;
}

}  // namespace gatehouse

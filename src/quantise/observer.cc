#include "quantise/observer.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace gatehouse {

Observer::Observer(Backend& inner, int64_t total_rows)
    : inner_(inner), sample_step_(std::max<int64_t>(1, total_rows / InputMoments::kSampleRows)) {}

WeightLookup Observer::Named(WeightLookup lookup) {
  return [this, lookup = std::move(lookup)](const std::string& name, const Shape& shape) {
    pending_name_ = name;
    return lookup(name, shape);
  };
}

Result<std::unique_ptr<DeviceWeight>> Observer::LoadWeight(WeightView view) {
  GATEHOUSE_ASSIGN(std::unique_ptr<DeviceWeight> weight, inner_.LoadWeight(std::move(view)));
  names_[weight.get()] = std::exchange(pending_name_, {});
  return weight;
}

void Observer::Watch(const std::vector<std::string>& keys, What what) {
  what_ = what;
  moments_.clear();
  for (const std::string& key : keys) moments_[key];
}

MomentsMap Observer::Take() { return std::exchange(moments_, {}); }

void Observer::Linear(const LinearInput& x, std::initializer_list<LinearTerm> terms) {
  Observe(x, *terms.begin()->weight);  // before the products, which may add to what x is a function of
  inner_.Linear(x, terms);
}

void Observer::Observe(const LinearInput& x, const DeviceWeight& weight) {
  const auto name = names_.find(&weight);
  if (x.rows() == 0 || name == names_.end()) return;
  const auto wanted = moments_.find(name->second);
  if (wanted == moments_.end()) return;
  InputMoments& moments = wanted->second;
  moments.cols = x.cols();
  const auto memory = inner_.Allocate(x.rows() * x.cols());
  const Mat computed{memory.get(), 0, x.rows(), x.cols()};
  inner_.Compute(x, computed);
  std::vector<float> host(static_cast<size_t>(x.rows() * x.cols()));
  inner_.Download(computed, host.data());
  if (what_ == What::kSample) {
    Sample(host, &moments);
  } else {
    AddMoments(std::move(host), x.rows(), &moments);
  }
}

void Observer::Sample(const std::vector<float>& x, InputMoments* moments) {
  const int64_t cols = moments->cols;
  for (auto row = x.begin(); row != x.end(); row += cols, ++moments->rows) {
    if (moments->rows % sample_step_ != 0 || moments->sample_rows == InputMoments::kSampleRows) continue;
    moments->samples.insert(moments->samples.end(), row, row + cols);
    ++moments->sample_rows;
  }
}

void Observer::AddMoments(std::vector<float> x, int64_t rows, InputMoments* moments) {
  const int64_t cols = moments->cols;
  if (moments->second.empty()) moments->second.assign(static_cast<size_t>(cols * cols), 0.0f);
  const bool weighted = static_cast<int64_t>(row_weights_.size()) == rows;
  std::vector<float> squares(static_cast<size_t>(rows), 0.0f);  // mean square of each row
  for (int64_t row = 0; row < rows; ++row) {
    for (int64_t col = 0; col < cols; ++col) {
      const float value = x[static_cast<size_t>(row * cols + col)];
      squares[static_cast<size_t>(row)] += value * value / static_cast<float>(cols);
    }
  }
  if (moments->usual_square == 0.0f) {
    std::vector<float> sorted = squares;
    std::nth_element(sorted.begin(), sorted.begin() + rows / 2, sorted.end());
    moments->usual_square = std::max(sorted[static_cast<size_t>(rows / 2)], 1e-30f);
  }
  // A few tokens' inputs are a thousand times the others'; what is added to the hidden state there is that
  // much larger too, and errors count by comparison.
  std::vector<float> turned(x.size());  // X^T [cols, rows], rows times the root of their weights
  for (int64_t row = 0; row < rows; ++row) {
    const float weight = weighted ? row_weights_[static_cast<size_t>(row)] : 1.0f;
    const float root = std::sqrt(weight / (1.0f + squares[static_cast<size_t>(row)] / moments->usual_square));
    for (int64_t col = 0; col < cols; ++col)
      turned[static_cast<size_t>(col * rows + row)] = x[static_cast<size_t>(row * cols + col)] * root;
  }
  moments->rows += rows;
  x = {};
  WeightView view;
  view.rows = cols;
  view.cols = rows;
  view.tensor = {DType::kF32, {cols, rows}, reinterpret_cast<const std::byte*>(turned.data())};
  const auto weight = inner_.LoadWeight(std::move(view));
  if (!weight.ok()) return;  // a backend takes every view of float32 rows
  const auto input = inner_.Allocate(cols * rows), output = inner_.Allocate(cols * cols);
  const Mat in{input.get(), 0, cols, rows}, out{output.get(), 0, cols, cols};
  inner_.Upload(turned.data(), in);
  inner_.Linear(in, {{weight->get(), nullptr, out}});
  std::vector<float> product(static_cast<size_t>(cols * cols));
  inner_.Download(out, product.data());
  for (size_t i = 0; i < product.size(); ++i) moments->second[i] += product[i];
}

}  // namespace gatehouse

#include "quantise/observer.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace gatehouse {

Observer::Observer(Backend& inner, int64_t total_rows)
    : inner_(inner), sample_step_(std::max<int64_t>(1, total_rows / InputMoments::kSampleRows)) {}

WeightLookup Observer::Named(WeightLookup lookup) {
  return [this, lookup = std::move(lookup)](const TensorSpec& spec) {
    pending_name_ = spec.name;
    return lookup(spec);
  };
}

Result<std::unique_ptr<DeviceWeight>> Observer::LoadWeight(WeightView view) {
  GATEHOUSE_ASSIGN(std::unique_ptr<DeviceWeight> weight, inner_.LoadWeight(std::move(view)));
  names_[weight.get()] = std::exchange(pending_name_, {});
  return weight;
}

void Observer::Watch(const std::vector<std::string>& names, What what) {
  what_ = what;
  moments_.clear();
  for (const std::string& name : names) moments_[name];
}

MomentsMap Observer::Take() { return std::exchange(moments_, {}); }

void Observer::Fail(Error error) {
  if (!failure_) failure_ = std::move(error);
}

Result<void> Observer::EndPass() {
  const std::optional<Error> own = std::exchange(failure_, std::nullopt);
  GATEHOUSE_TRY(inner_.EndPass());
  if (own) return *own;
  return {};
}

// Memory of one operation, which `keep` holds.
Result<Mat> Observer::Memory(int64_t rows, int64_t cols, DType type,
                             std::vector<std::unique_ptr<DeviceBuffer>>* keep) {
  GATEHOUSE_ASSIGN(std::unique_ptr<DeviceBuffer> buffer, inner_.Allocate(rows * cols, type));
  keep->push_back(std::move(buffer));
  return Mat{keep->back().get(), 0, rows, cols, type};
}

void Observer::Linear(const LinearInput& x, std::initializer_list<LinearTerm> terms) {
  Observe(x, *terms.begin()->weight);  // before the products, which may add to what x is a function of
  inner_.Linear(x, terms);
}

void Observer::Experts(Mat scores, int per_token, Mat x, std::span<const ExpertWeights> experts, Mat out) {
  std::vector<float> host(static_cast<size_t>(scores.rows * scores.cols));
  inner_.Download(scores, host.data());
  std::vector<std::vector<int32_t>> rows(experts.size());
  std::vector<std::vector<float>> scales(experts.size());
  for (int32_t row = 0; row < scores.rows; ++row) {
    float* of_row = host.data() + static_cast<size_t>(row) * experts.size();
    for (int pick = 0; pick < per_token; ++pick) {
      const auto best = static_cast<size_t>(std::max_element(of_row, of_row + experts.size()) - of_row);
      rows[best].push_back(row);
      scales[best].push_back(1.0f / (1.0f + std::exp(-of_row[best])));
      of_row[best] = -INFINITY;
    }
  }
  for (size_t e = 0; e < experts.size(); ++e) {
    if (rows[e].empty()) continue;
    const Result<void> ran = RunExpert(experts[e], rows[e], scales[e], x, out);
    if (!ran.ok()) return Fail(ran.error());
  }
}

Result<void> Observer::RunExpert(const ExpertWeights& expert, const std::vector<int32_t>& rows,
                                 const std::vector<float>& scales, Mat x, Mat out) {
  const auto count = static_cast<int64_t>(rows.size());
  std::vector<std::unique_ptr<DeviceBuffer>> keep;
  GATEHOUSE_ASSIGN(const Mat numbers, Memory(count, 1, DType::kI32, &keep));
  GATEHOUSE_ASSIGN(const Mat factors, Memory(count, 1, DType::kF32, &keep));
  GATEHOUSE_ASSIGN(const Mat input, Memory(count, x.cols, x.type, &keep));
  GATEHOUSE_ASSIGN(const Mat gate, Memory(count, expert.gate->rows, x.type, &keep));
  GATEHOUSE_ASSIGN(const Mat up, Memory(count, expert.up->rows, x.type, &keep));
  GATEHOUSE_ASSIGN(const Mat sums, Memory(count, out.cols, out.type, &keep));
  inner_.Upload(rows, numbers);
  inner_.Upload(scales, factors);
  inner_.CopyRows(x, numbers, input, {});
  inner_.ScaleRows(input, factors);
  Linear(input, {{expert.gate, nullptr, gate}, {expert.up, nullptr, up}});
  inner_.CopyRows(out, numbers, sums, {});
  Linear(LinearInput::SwiGlu(gate, up), {{expert.down, nullptr, sums, /*adds=*/true}});
  inner_.CopyRows(sums, {}, out, numbers);
  return {};
}

void Observer::Observe(const LinearInput& x, const DeviceWeight& weight) {
  const auto name = names_.find(&weight);
  if (x.rows() == 0 || name == names_.end()) return;
  const auto wanted = moments_.find(name->second);
  if (wanted == moments_.end()) return;
  const Result<void> observed = ObserveRows(x, &wanted->second);
  if (!observed.ok()) Fail(observed.error());
}

Result<void> Observer::ObserveRows(const LinearInput& x, InputMoments* moments) {
  moments->cols = x.cols();
  std::vector<std::unique_ptr<DeviceBuffer>> keep;
  GATEHOUSE_ASSIGN(const Mat computed, Memory(x.rows(), x.cols(), x.x.type, &keep));
  inner_.Compute(x, computed);
  std::vector<float> host(static_cast<size_t>(x.rows() * x.cols()));
  inner_.Download(computed, host.data());
  if (what_ == What::kMoments) return AddMoments(std::move(host), x.rows(), moments);
  Sample(host, moments);
  return {};
}

void Observer::Sample(const std::vector<float>& x, InputMoments* moments) {
  const int64_t cols = moments->cols;
  for (auto row = x.begin(); row != x.end(); row += cols, ++moments->rows) {
    if (moments->rows % sample_step_ != 0 || moments->sample_rows == InputMoments::kSampleRows) continue;
    moments->samples.insert(moments->samples.end(), row, row + cols);
    ++moments->sample_rows;
  }
}

Result<void> Observer::AddMoments(std::vector<float> x, int64_t rows, InputMoments* moments) {
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
  std::vector<float> transposed(x.size());  // X^T [cols, rows], rows times the root of their weights
  for (int64_t row = 0; row < rows; ++row) {
    const float weight = weighted ? row_weights_[static_cast<size_t>(row)] : 1.0f;
    const float root = std::sqrt(weight / (1.0f + squares[static_cast<size_t>(row)] / moments->usual_square));
    for (int64_t col = 0; col < cols; ++col)
      transposed[static_cast<size_t>(col * rows + row)] = x[static_cast<size_t>(row * cols + col)] * root;
  }
  moments->rows += rows;
  x = {};
  WeightView view;
  view.rows = cols;
  view.cols = rows;
  view.storage =
      PlainRows{{DType::kF32, {cols, rows}, reinterpret_cast<const std::byte*>(transposed.data())}};
  GATEHOUSE_ASSIGN(const std::unique_ptr<DeviceWeight> weight, inner_.LoadWeight(std::move(view)));
  std::vector<std::unique_ptr<DeviceBuffer>> keep;
  GATEHOUSE_ASSIGN(const Mat in, Memory(cols, rows, DType::kF32, &keep));
  GATEHOUSE_ASSIGN(const Mat out, Memory(cols, cols, DType::kF32, &keep));
  inner_.Upload(transposed, in);
  inner_.Linear(in, {{weight.get(), nullptr, out}});
  std::vector<float> product(static_cast<size_t>(cols * cols));
  inner_.Download(out, product.data());
  for (size_t i = 0; i < product.size(); ++i) moments->second[i] += product[i];
  return {};
}

}  // namespace gatehouse

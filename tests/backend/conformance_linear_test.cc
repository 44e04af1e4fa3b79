// Products, their inputs and experts, on every backend.
#include <algorithm>
#include <cmath>
#include <cstring>

#include "backend/conformance.h"
#include "kernels/quant/quant.h"

namespace gatehouse {
namespace {

using test::ExpectNear;
using test::Matrix;

class Products : public test::Conformance {
 protected:
  // A weight of a stored form that the host owns; `random` bytes are as good as any. The rows are read by
  // WeightView, whose readers weight_view_test checks.
  WeightView Stored(const std::string& form, int64_t n, int64_t k) {
    auto bytes = std::make_shared<std::vector<float>>();
    WeightView view{.rows = n, .cols = k};
    const int64_t panels = (n + 31) / 32;
    const auto tensor = [&](DType type, size_t at) {
      return TensorView{type, {}, reinterpret_cast<const std::byte*>(bytes->data() + at)};
    };
    if (form == "q8" || form == "q4" || form == "q8_transformed" || form == "q4_transformed") {
      const QuantFormat format = form[1] == '8' ? QuantFormat::kQ8 : QuantFormat::kQ4;
      const auto words = static_cast<size_t>(panels * QuantPanelBytes(format, k) / 4);
      const auto scales = static_cast<size_t>(panels * QuantGroups(k) * 32);
      bytes->resize(words + scales);
      const Matrix w = Random(n, k);
      for (int64_t panel = 0; panel < panels; ++panel) {
        const int rows = static_cast<int>(std::min<int64_t>(32, n - panel * 32));
        PackQuantPanel(format, w.values.data() + panel * 32 * k, k, rows, k,
                       reinterpret_cast<uint8_t*>(bytes->data()) + panel * QuantPanelBytes(format, k),
                       bytes->data() + words + static_cast<size_t>(panel * QuantGroups(k) * 32));
      }
      view.storage =
          RoundedPanels{format, form.size() > 2, tensor(DType::kU8, 0), tensor(DType::kF32, words)};
    } else if (form == "packed") {
      bytes->resize(static_cast<size_t>(panels * ((k + 1) / 2) * 32));
      auto* bits = reinterpret_cast<uint16_t*>(bytes->data());
      for (int64_t row = 0; row < n; ++row) {
        for (int64_t i = 0; i < k; ++i) {
          const int64_t at = ((row / 32 * ((k + 1) / 2) + i / 2) * 32 + row % 32) * 2 + i % 2;
          bits[at] = FloatToBf16(Random(1, 1).values[0]);
        }
      }
      view.storage = PackedPanels{tensor(DType::kBF16, 0)};
    } else if (form == "bf16") {
      bytes->resize(static_cast<size_t>((n * k + 1) / 2));
      for (int64_t i = 0; i < n * k; ++i)
        reinterpret_cast<uint16_t*>(bytes->data())[i] = FloatToBf16(Random(1, 1).values[0]);
      view.storage = PlainRows{tensor(DType::kBF16, 0)};
    } else {
      *bytes = Random(n, k).values;
      view.storage = PlainRows{tensor(DType::kF32, 0)};
      if (form == "computed") {
        view.storage = ComputedRows{[bytes, k](int64_t first, int64_t count, float* out) {
                                      std::copy_n(bytes->data() + first * k, count * k, out);
                                    },
                                    {}};
      }
    }
    view.owner = bytes;
    return view;
  }
};

TEST_P(Products, OfEveryStoredForm) {
  for (const char* form :
       {"f32", "bf16", "computed", "packed", "q8", "q4", "q8_transformed", "q4_transformed"}) {
    for (const auto& [m, n, k] : std::vector<std::tuple<int, int, int>>{
             {1, 1, 1}, {3, 31, 7}, {2, 32, 64}, {17, 33, 130}, {5, 100, 1030}, {70, 40, 256}}) {
      const WeightView view = Stored(form, n, k);
      const auto weight = std::move(backend().LoadWeight(view)).value();
      EXPECT_EQ(weight->rows, n);
      EXPECT_EQ(weight->cols, k);
      const Matrix x = Random(m, k);
      const Mat y = Make(m, n);
      backend().Linear(Put(x), {{weight.get(), nullptr, y}});
      const std::string what =
          std::string(form) + " " + std::to_string(m) + " " + std::to_string(n) + " " + std::to_string(k);
      ExpectNear(Get(y), test::Product(x, test::RowsOf(view), nullptr),
                 GetParam().product_tolerance(form[0] == 'q'), what);
    }
  }
}

TEST_P(Products, ShareAnInputAddAndTakeABias) {
  const Matrix x = Random(9, 96), a = Random(40, 96), b = Random(33, 96), bias = Random(1, 33);
  const Matrix before = Random(9, 33);
  const auto wa = Weight(a), wb = Weight(b), wbias = Table(bias);
  const Mat ya = Make(9, 40), yb = Put(before);
  backend().Linear(Put(x), {{wa.get(), nullptr, ya}, {wb.get(), wbias.get(), yb, /*adds=*/true}});
  Matrix want = test::Product(x, b, bias.values.data());
  for (size_t i = 0; i < want.values.size(); ++i) want.values[i] += before.values[i];
  ExpectNear(Get(ya), test::Product(x, a, nullptr), GetParam().product_tolerance(), "first");
  ExpectNear(Get(yb), want, GetParam().product_tolerance(), "second");
}

TEST_P(Products, TakeFunctionsOfTheirInput) {
  const Matrix x = Random(6, 80, 3.0f), up = Random(6, 80), norm = Random(1, 80), bias = Random(1, 80);
  const Matrix w = Random(50, 80);
  const auto weight = Weight(w), scale = Table(norm), shift = Table(bias);
  const Mat on_device = Put(x);
  const std::vector<std::pair<std::string, LinearInput>> inputs = {
      {"plain", on_device},
      {"rms", LinearInput::RmsNorm(on_device, scale.get(), 1e-5f)},
      {"rms of ones", LinearInput::RmsNorm(on_device, nullptr, 1e-5f)},
      {"layer norm", LinearInput::LayerNorm(on_device, *scale, *shift, 1e-5f)},
      {"swiglu", LinearInput::SwiGlu(on_device, Put(up))},
      {"gelu", LinearInput::Gelu(on_device)}};
  for (const auto& [name, input] : inputs) {
    Matrix want = x;
    for (int64_t row = 0; row < x.rows; ++row) {
      const std::span<float> values(want.values.data() + row * 80, 80);
      if (name == "rms") test::RmsNorm(values, norm.values.data(), 1e-5f);
      if (name == "rms of ones") test::RmsNorm(values, nullptr, 1e-5f);
      if (name == "layer norm") test::LayerNorm(values, norm.values.data(), bias.values.data(), 1e-5f);
      if (name == "swiglu")
        test::SwiGlu(values, std::span(up.values).subspan(static_cast<size_t>(row) * 80, 80));
      if (name == "gelu") test::Gelu(values);
    }
    const Mat computed = Make(6, 80), y = Make(6, 50);
    backend().Compute(input, computed);
    ExpectNear(Get(computed), want, 2e-6, name);
    backend().Linear(input, {{weight.get(), nullptr, y}});
    ExpectNear(Get(y), test::Product(want, w, nullptr), GetParam().product_tolerance(),
               name + " times weight");
    ExpectNear(Get(on_device), x, 0, name + " leaves its input");
    const Mat in_place = Put(x);
    LinearInput of_itself = input;
    of_itself.x = in_place;
    backend().Compute(of_itself, in_place);
    ExpectNear(Get(in_place), want, 2e-6, name + " in place");
  }
}

TEST_P(Products, ExpertsTakeTheRowsOfTheirHighestScores) {
  constexpr int64_t kRows = 13, kHidden = 48, kFfn = 36, kExperts = 5;
  std::vector<Matrix> gate, up, down;
  std::vector<std::unique_ptr<DeviceWeight>> weights;
  std::vector<ExpertWeights> experts;
  for (int64_t e = 0; e < kExperts; ++e) {
    gate.push_back(Random(kFfn, kHidden));
    up.push_back(Random(kFfn, kHidden));
    down.push_back(Random(kHidden, kFfn));
    for (const Matrix* one : {&gate.back(), &up.back(), &down.back()}) weights.push_back(Weight(*one));
    const size_t at = weights.size() - 3;
    experts.push_back({weights[at].get(), weights[at + 1].get(), weights[at + 2].get()});
  }
  for (const int per_token : {1, 2, 5}) {
    Matrix scores = Random(kRows, kExperts, 2.0f);
    for (int64_t e = 0; e < kExperts; ++e) scores.at(3, e) = 0.5f;  // all equal: the first ones
    for (int64_t row = 5; row < 9; ++row) scores.at(row, 2) = -9.0f;
    const Matrix x = Random(kRows, kHidden), before = Random(kRows, kHidden);
    Matrix want = before;
    const auto routes = test::Route(scores, per_token);
    for (int64_t row = 0; row < kRows; ++row) {
      for (const int32_t e : routes[static_cast<size_t>(row)]) {
        Matrix in(1, kHidden);
        const double sigmoid = 1.0 / (1.0 + std::exp(-static_cast<double>(scores.at(row, e))));
        for (int64_t k = 0; k < kHidden; ++k)
          in.at(0, k) = static_cast<float>(static_cast<double>(x.at(row, k)) * sigmoid);
        const auto at = static_cast<size_t>(e);
        Matrix middle = test::Product(in, gate[at], nullptr);
        test::SwiGlu(middle.values, test::Product(in, up[at], nullptr).values);
        const Matrix out = test::Product(middle, down[at], nullptr);
        for (int64_t k = 0; k < kHidden; ++k) want.at(row, k) += out.at(0, k);
      }
    }
    const Mat out = Put(before);
    backend().Experts(Put(scores), per_token, Put(x), experts, out);
    ExpectNear(Get(out), want, GetParam().product_tolerance(), std::to_string(per_token) + " a token");
  }
}

TEST_P(Products, DoNotDependOnCompanyWhereThatIsPromised) {
  if (!backend().ExactInCompany()) GTEST_SKIP() << "the backend does not promise it";
  for (const char* form : {"f32", "packed", "q8_transformed", "q4"}) {
    const WeightView view = Stored(form, 70, 200);
    const auto weight = std::move(backend().LoadWeight(view)).value();
    const Matrix x = Random(67, 200);
    const Mat input = Put(x), together = Make(67, 70), alone = Make(67, 70);
    backend().Linear(input, {{weight.get(), nullptr, together}});
    for (int64_t row = 0; row < 67; ++row)
      backend().Linear(input.Rows(row, 1), {{weight.get(), nullptr, alone.Rows(row, 1)}});
    EXPECT_EQ(Get(together).values, Get(alone).values) << form;
  }
}

GATEHOUSE_FOR_ALL_BACKENDS(Products);

}  // namespace
}  // namespace gatehouse

// Smoothing: a product's inputs are divided, channel by channel, by factors that its weights are multiplied
// by, so that neither has channels far larger than their group's others, which rounding would pay for. The
// division is folded into what makes the inputs: a norm's weight, the rows of up before down, of v before o.
// In exact arithmetic the network stays the same.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "backend/weight_view.h"
#include "base/thread_pool.h"
#include "quantise/moments.h"

namespace gatehouse {

// What a weight [N, K] (or a vector, N = 1) is multiplied by: element (n, k) by rows[n] * columns[k]. Either
// may be empty: ones.
struct WeightEdit {
  std::vector<float> rows;
  std::vector<float> columns;
};
using EditMap = std::map<std::string, WeightEdit, std::less<>>;

// The view of an edited weight; `view` is readable by ReadRows.
WeightView EditedView(const WeightView& view, const WeightEdit& edit);

// The products of one input, or of the inputs that share a sample.
struct RoundedProducts {
  const InputMoments* inputs = nullptr;  // its samples
  struct Weight {
    WeightView view;                    // [N, K]
    std::optional<QuantFormat> format;  // none: not rounded
  };
  std::vector<Weight> weights;
};

// Mean over the sample's rows of the squared error of the outputs over their square, when inputs divided by
// factors [K] (empty: ones) are rounded to 8 bits (or, without round_inputs, left) and weights multiplied by
// them are rounded plainly. Looks at some of each weight's rows.
double RoundingError(const RoundedProducts& products, const std::vector<float>& factors, bool round_inputs,
                     ThreadPool& pool);

struct SmoothingChoice {
  std::vector<float> factors;  // [K], what inputs are divided by; empty: best left alone
  double error_before = 0;     // RoundingError
  double error_after = 0;
};

// Tries powers of the channels' largest inputs and weights. shared: [K] or empty: channels of the same number
// (0 .. K-1) get the same factor. Deterministic, whatever the number of threads.
SmoothingChoice ChooseSmoothing(const RoundedProducts& products, const std::vector<int64_t>& shared,
                                ThreadPool& pool);

}  // namespace gatehouse

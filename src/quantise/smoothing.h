// Smoothing: a product's inputs are divided, channel by channel, by factors that its weights are multiplied
// by, so that neither has channels far larger than their group's others, which rounding would pay for. The
// division is folded into what makes the inputs: a norm's weight, the rows of up before down, of v before o.
// In exact arithmetic the network stays the same. So it does when the channels between up and down change
// places: those of like size then share a group's scale.
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

// How a weight [N, K] (or a vector, N = 1) is changed: element (n, k) becomes rows[n] * columns[k] * element
// (row_order[n], column_order[k]). Any may be empty: ones, the same order.
struct WeightEdit {
  std::vector<float> rows;
  std::vector<float> columns;
  std::vector<int64_t> row_order;
  std::vector<int64_t> column_order;
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
// factors [K] (empty: ones) and transformed are rounded to 8 bits (or, without round_inputs, left) and
// weights multiplied by them and transformed are rounded plainly. Looks at some of each weight's rows.
double RoundingError(const RoundedProducts& products, const std::vector<float>& factors, bool round_inputs,
                     ThreadPool& pool);

// The channels of the sample, those of largest mean square first; rows far above the others count less.
std::vector<int64_t> ChannelsBySize(const InputMoments& inputs);
// The sample with its channels in another order.
InputMoments Reordered(const InputMoments& inputs, const std::vector<int64_t>& order);

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

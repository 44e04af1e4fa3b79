#include "quantise/feedback.h"

#include <algorithm>
#include <cmath>
#include <memory>

#include "kernels/quant/round.h"

namespace gatehouse {
namespace {

// One group of 128 columns of a panel, [k][32], so that loops over the outputs are vectors.
struct Group {
  float w[kQuantGroup][kPanel];       // weights
  float target[kQuantGroup][kPanel];  // weights with the feedback of earlier groups
  float error[kQuantGroup][kPanel];   // w - w', of the attempt under way
  float code[kQuantGroup][kPanel];    // integers, of the attempt under way
  float best_error[kQuantGroup][kPanel];
  float best_code[kQuantGroup][kPanel];
  float best_loss[kPanel];
  float best_scale[kPanel];
  float refit[kPanel];  // the scale that would have been best for the best codes
};

struct Range {
  float low, high;
};
constexpr Range RangeOf(QuantFormat format) {
  return format == QuantFormat::kQ8 ? Range{-127.0f, 127.0f} : Range{-8.0f, 7.0f};
}

// The largest weight of a group becomes so many steps; for q4 the range is not symmetric, so that its sign is
// that of the scale.
constexpr float kStepsQ8[] = {127.0f, 123.0f, 131.0f};
constexpr float kStepsQ4[] = {-8.0f, -7.25f, -8.75f, -6.5f, -9.75f, 7.0f, 8.0f};

// Rounds the group with these scales, feeding errors on within the group; keeps, for each output, what is
// better than the best so far.
void Attempt(const Range range, const float* scale, int64_t begin, int64_t depth,
             const FeedbackFactor& factor, Group& group) {
  float inverse[kPanel], loss[kPanel] = {}, tq[kPanel] = {}, qq[kPanel] = {};
  for (int c = 0; c < kPanel; ++c) inverse[c] = scale[c] == 0.0f ? 0.0f : 1.0f / scale[c];
  for (int64_t k = 0; k < depth; ++k) {
    float target[kPanel];
    for (int c = 0; c < kPanel; ++c) target[c] = group.target[k][c];
    for (int64_t j = 0; j < k; ++j) {
      const float u = factor.upper[static_cast<size_t>((begin + j) * factor.cols + begin + k)];
      for (int c = 0; c < kPanel; ++c) target[c] += u * group.error[j][c];
    }
    const float d = factor.d[static_cast<size_t>(begin + k)];
    for (int c = 0; c < kPanel; ++c) {
      // Beyond the range whatever happens; RoundEven holds for small numbers.
      const float steps = std::min(std::max(target[c] * inverse[c], -1e6f), 1e6f);
      const float q = std::min(std::max(RoundEven(steps), range.low), range.high);
      const float miss = target[c] - scale[c] * q;
      group.code[k][c] = q;
      group.error[k][c] = group.w[k][c] - scale[c] * q;
      loss[c] += d * (miss * miss);
      tq[c] += d * (target[c] * q);
      qq[c] += d * (q * q);
    }
  }
  for (int c = 0; c < kPanel; ++c) {
    if (!(loss[c] < group.best_loss[c])) continue;
    group.best_loss[c] = loss[c];
    group.best_scale[c] = scale[c];
    group.refit[c] = qq[c] > 0.0f ? tq[c] / qq[c] : scale[c];
    for (int64_t k = 0; k < depth; ++k) {
      group.best_error[k][c] = group.error[k][c];
      group.best_code[k][c] = group.code[k][c];
    }
  }
}

void RoundGroup(QuantFormat format, int64_t begin, int64_t depth, const FeedbackFactor& factor,
                Group& group) {
  float extreme[kPanel] = {};
  for (int64_t k = 0; k < depth; ++k) {
    for (int c = 0; c < kPanel; ++c) {
      const float value = group.target[k][c];
      if (std::fabs(value) > std::fabs(extreme[c])) extreme[c] = value;
    }
  }
  for (int c = 0; c < kPanel; ++c) {
    if (std::fabs(extreme[c]) < kQuantTiny) extreme[c] = 0.0f;
    if (format == QuantFormat::kQ8) extreme[c] = std::fabs(extreme[c]);
    group.best_loss[c] = INFINITY;
  }
  const Range range = RangeOf(format);
  float scale[kPanel];
  const auto attempt = [&](float steps) {
    for (int c = 0; c < kPanel; ++c) scale[c] = extreme[c] / steps;
    Attempt(range, scale, begin, depth, factor, group);
  };
  if (format == QuantFormat::kQ8) {
    for (const float steps : kStepsQ8) attempt(steps);
    return;
  }
  for (const float steps : kStepsQ4) attempt(steps);
  constexpr int kRefits = 2;
  for (int i = 0; i < kRefits; ++i) {
    std::copy(group.refit, group.refit + kPanel, scale);
    Attempt(range, scale, begin, depth, factor, group);
  }
}

// Values of one group into the stored panel (kernels/quant/quant.h), padded with zeros to a multiple of 8.
void Store(QuantFormat format, const Group& group, int64_t begin, int64_t depth, uint8_t* values) {
  const int offset = format == QuantFormat::kQ8 ? 128 : 8;
  const int64_t padded = QuantPaddedK(depth);
  const auto unsigned_code = [&](int64_t k, int c) {
    return static_cast<unsigned>((k < depth ? static_cast<int>(group.best_code[k][c]) : 0) + offset);
  };
  for (int c = 0; c < kPanel; ++c) {
    if (format == QuantFormat::kQ8) {
      for (int64_t k = 0; k < padded; ++k)
        values[((begin + k) / 4 * kPanel + c) * 4 + k % 4] = static_cast<uint8_t>(unsigned_code(k, c));
      continue;
    }
    for (int64_t k = 0; k < padded; k += 8) {
      for (int64_t i = 0; i < 4; ++i) {
        values[((begin + k) / 8 * kPanel + c) * 4 + i] =
            static_cast<uint8_t>(unsigned_code(k + i, c) | unsigned_code(k + i + 4, c) << 4);
      }
    }
  }
}

}  // namespace

void RoundPanelWithFeedback(QuantFormat format, const float* w, int rows, const FeedbackFactor& factor,
                            uint8_t* values, float* scales) {
  const int64_t cols = factor.cols;
  std::vector<float> errors(static_cast<size_t>(cols * kPanel));  // w - w' [K][32]
  const auto group = std::make_unique<Group>();
  for (int64_t begin = 0; begin < cols; begin += kQuantGroup) {
    const int64_t depth = std::min(kQuantGroup, cols - begin);
    for (int64_t k = 0; k < depth; ++k) {
      for (int c = 0; c < kPanel; ++c)
        group->target[k][c] = group->w[k][c] = c < rows ? w[c * cols + begin + k] : 0.0f;
    }
    for (int64_t j = 0; j < begin; ++j) {
      const float* error = errors.data() + j * kPanel;
      const float* upper = factor.upper.data() + j * cols + begin;
      for (int64_t k = 0; k < depth; ++k) {
        for (int c = 0; c < kPanel; ++c) group->target[k][c] += upper[k] * error[c];
      }
    }
    RoundGroup(format, begin, depth, factor, *group);
    Store(format, *group, begin, depth, values);
    for (int c = 0; c < kPanel; ++c) scales[begin / kQuantGroup * kPanel + c] = group->best_scale[c];
    for (int64_t k = 0; k < depth; ++k) {
      std::copy(group->best_error[k], group->best_error[k] + kPanel, errors.data() + (begin + k) * kPanel);
    }
  }
}

}  // namespace gatehouse

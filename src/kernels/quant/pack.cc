// Rounding of weights into panels. Portable code in one order of operations, so every machine writes the same
// bytes; loops run over the 32 outputs of a panel so that compilers can vectorise them.
#include <cmath>
#include <cstdint>

#include "kernels/quant/quant.h"
#include "kernels/quant/round.h"

namespace gatehouse {
namespace {

// One group of a panel: [k][32], zeros where the matrix or the group ends.
struct Group {
  float w[kQuantGroup][kPanel];
  float extreme[kPanel];  // the value of largest magnitude, with its sign; zero if that is tiny
  float scale[kPanel];
  uint8_t u[kQuantGroup][kPanel];
};

void LoadGroup(const float* w, int64_t row_stride, int rows, int64_t begin, int64_t k, Group& group) {
  for (int c = 0; c < kPanel; ++c) group.extreme[c] = 0.0f;
  for (int64_t i = 0; i < kQuantGroup; ++i) {
    for (int c = 0; c < kPanel; ++c) {
      const float value = c < rows && begin + i < k ? w[c * row_stride + begin + i] : 0.0f;
      group.w[i][c] = value;
      if (std::fabs(value) > std::fabs(group.extreme[c])) group.extreme[c] = value;
    }
  }
  for (float& one : group.extreme) one = std::fabs(one) < kQuantTiny ? 0.0f : one;
}

void RoundQ8(Group& group) {
  float inverse[kPanel];
  for (int c = 0; c < kPanel; ++c) {
    const float max = std::fabs(group.extreme[c]);
    inverse[c] = max > 0.0f ? 127.0f / max : 0.0f;
    group.scale[c] = max / 127.0f;
  }
  for (int64_t i = 0; i < kQuantGroup; ++i) {
    for (int c = 0; c < kPanel; ++c) {
      group.u[i][c] = static_cast<uint8_t>(static_cast<int>(RoundEven(group.w[i][c] * inverse[c])) + 128);
    }
  }
}

inline float RoundQ4(float w, float steps) {
  const float q = RoundEven(w * steps);
  const float low = q < -8.0f ? -8.0f : q;
  return low > 7.0f ? 7.0f : low;
}

// Weights are taken in units of the extreme one, which becomes +1. Mapping it to -8 or near uses the
// asymmetric range -8 .. 7 whatever its sign; +7 is the usual symmetric rule. For each number of steps the
// best scale of the rounded weights q is sum(w q) / sum(q q), and leaves the error sum(w w) - sum(w q)^2 /
// sum(q q).
constexpr float kSteps[] = {-8.0f, -7.75f, -8.25f, -7.5f, -8.5f,  -7.25f, -8.75f,
                            -7.0f, -9.0f,  -6.75f, -6.5f, -6.25f, -6.0f,  7.0f};

void SearchQ4(Group& group) {
  float best_score[kPanel] = {}, best_steps[kPanel] = {};
  for (int64_t i = 0; i < kQuantGroup; ++i) {
    for (int c = 0; c < kPanel; ++c) group.w[i][c] /= group.extreme[c] == 0.0f ? 1.0f : group.extreme[c];
  }
  for (const float steps : kSteps) {
    float wq[kPanel] = {}, qq[kPanel] = {};
    for (int64_t i = 0; i < kQuantGroup; ++i) {
      for (int c = 0; c < kPanel; ++c) {
        const float q = RoundQ4(group.w[i][c], steps);
        wq[c] += group.w[i][c] * q;
        qq[c] += q * q;
      }
    }
    for (int c = 0; c < kPanel; ++c) {
      if (group.extreme[c] == 0.0f) continue;
      const float score = wq[c] * wq[c] / qq[c];  // the extreme is 1: q is not all zero
      if (score <= best_score[c]) continue;
      best_score[c] = score;
      best_steps[c] = steps;
      group.scale[c] = wq[c] / qq[c] * group.extreme[c];
    }
  }
  for (int c = 0; c < kPanel; ++c) {
    if (group.extreme[c] == 0.0f) group.scale[c] = 0.0f;
    for (int64_t i = 0; i < kQuantGroup; ++i) {
      const float q = group.extreme[c] == 0.0f ? 0.0f : RoundQ4(group.w[i][c], best_steps[c]);
      group.u[i][c] = static_cast<uint8_t>(static_cast<int>(q) + 8);
    }
  }
}

void StoreQ8(const Group& group, int64_t depth, uint8_t* values) {
  for (int64_t i = 0; i < depth; ++i) {
    for (int c = 0; c < kPanel; ++c) values[(i / 4 * kPanel + c) * 4 + i % 4] = group.u[i][c];
  }
}

void StoreQ4(const Group& group, int64_t depth, uint8_t* values) {
  for (int64_t i = 0; i < depth; i += kQuantAlign) {
    for (int c = 0; c < kPanel; ++c) {
      for (int64_t j = 0; j < 4; ++j) {
        values[i / 2 * kPanel + c * 4 + j] =
            static_cast<uint8_t>(group.u[i + j][c] | group.u[i + j + 4][c] << 4);
      }
    }
  }
}

}  // namespace

void PackQuantPanel(QuantFormat format, const float* w, int64_t row_stride, int rows, int64_t k,
                    uint8_t* values, float* scales) {
  Group group;
  for (int64_t begin = 0; begin < k; begin += kQuantGroup) {
    const int64_t left = QuantPaddedK(k) - begin;
    const int64_t depth = left < kQuantGroup ? left : kQuantGroup;
    LoadGroup(w, row_stride, rows, begin, k, group);
    if (format == QuantFormat::kQ8) {
      RoundQ8(group);
      StoreQ8(group, depth, values + begin * kPanel);
    } else {
      SearchQ4(group);
      StoreQ4(group, depth, values + begin * kPanel / 2);
    }
    for (int c = 0; c < kPanel; ++c) scales[begin / kQuantGroup * kPanel + c] = group.scale[c];
  }
}

void WidenQuantPanel(QuantFormat format, const QuantPanel& panel, int64_t k, float* out) {
  for (int64_t i = 0; i < k; ++i) {
    const float* scales = panel.scales + i / kQuantGroup * kPanel;
    for (int c = 0; c < kPanel; ++c) {
      int value = 0;
      if (format == QuantFormat::kQ8) {
        value = panel.values[(i / 4 * kPanel + c) * 4 + i % 4] - 128;
      } else {
        const uint8_t both = panel.values[(i / 8 * kPanel + c) * 4 + i % 4];
        value = (i % 8 < 4 ? both & 15 : both >> 4) - 8;
      }
      out[i * kPanel + c] = scales[c] * static_cast<float>(value);
    }
  }
}

}  // namespace gatehouse

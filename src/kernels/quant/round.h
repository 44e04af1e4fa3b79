// Rounding rules that all tables and the packer share.
#pragma once

namespace gatehouse {

// Below this magnitude 127 / max would overflow and scales would be denormal: such a row or group counts as
// zero.
constexpr float kQuantTiny = 0x1p-112f;

// To the nearest integer, ties to even, for |v| < 2^22, in the processor's default rounding mode.
inline float RoundEven(float v) {
  constexpr float kShift = 12582912.0f;  // 1.5 * 2^23: floats of this size are integers
  return (v + kShift) - kShift;
}

}  // namespace gatehouse

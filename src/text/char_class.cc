#include "text/char_class.h"

#include <unicode/uchar.h>

#include <algorithm>

namespace gatehouse {
namespace {

constexpr size_t kCodePoints = 0x110000;
// White_Space has not changed since Unicode 6.3; all of it lies below this.
constexpr UChar32 kSpacesEnd = 0x3001;

struct Range {
  UChar32 first, last;
  int bits;
};

// Letters, marks and numbers that Unicode 15.1 and 16 assigned. The tokenizers that models are trained with
// know them; ICU may be older. Used only where it says "unassigned". Found by asking the regular expressions
// of the PyPI package tokenizers 0.23 about every code point that ICU 72 does not know.
constexpr Range kNewer[] = {
    {0x897, 0x897, kUpperish | kLowerish},
    {0x1C89, 0x1C89, kUpperish | kLetter},
    {0x1C8A, 0x1C8A, kLowerish | kLetter},
    {0xA7CB, 0xA7CC, kUpperish | kLetter},
    {0xA7CD, 0xA7CD, kLowerish | kLetter},
    {0xA7DA, 0xA7DA, kUpperish | kLetter},
    {0xA7DB, 0xA7DB, kLowerish | kLetter},
    {0xA7DC, 0xA7DC, kUpperish | kLetter},
    {0x105C0, 0x105F3, kUpperish | kLowerish | kLetter},
    {0x10D40, 0x10D49, kNumber},
    {0x10D4A, 0x10D4F, kUpperish | kLowerish | kLetter},
    {0x10D50, 0x10D65, kUpperish | kLetter},
    {0x10D69, 0x10D6D, kUpperish | kLowerish},
    {0x10D6F, 0x10D6F, kUpperish | kLowerish | kLetter},
    {0x10D70, 0x10D85, kLowerish | kLetter},
    {0x10EC2, 0x10EC4, kUpperish | kLowerish | kLetter},
    {0x10EFC, 0x10EFC, kUpperish | kLowerish},
    {0x11380, 0x11389, kUpperish | kLowerish | kLetter},
    {0x1138B, 0x1138B, kUpperish | kLowerish | kLetter},
    {0x1138E, 0x1138E, kUpperish | kLowerish | kLetter},
    {0x11390, 0x113B5, kUpperish | kLowerish | kLetter},
    {0x113B7, 0x113B7, kUpperish | kLowerish | kLetter},
    {0x113B8, 0x113C0, kUpperish | kLowerish},
    {0x113C2, 0x113C2, kUpperish | kLowerish},
    {0x113C5, 0x113C5, kUpperish | kLowerish},
    {0x113C7, 0x113CA, kUpperish | kLowerish},
    {0x113CC, 0x113D0, kUpperish | kLowerish},
    {0x113D1, 0x113D1, kUpperish | kLowerish | kLetter},
    {0x113D2, 0x113D2, kUpperish | kLowerish},
    {0x113D3, 0x113D3, kUpperish | kLowerish | kLetter},
    {0x113E1, 0x113E2, kUpperish | kLowerish},
    {0x116D0, 0x116E3, kNumber},
    {0x11BC0, 0x11BE0, kUpperish | kLowerish | kLetter},
    {0x11BF0, 0x11BF9, kNumber},
    {0x11F5A, 0x11F5A, kUpperish | kLowerish},
    {0x13460, 0x143FA, kUpperish | kLowerish | kLetter},
    {0x16100, 0x1611D, kUpperish | kLowerish | kLetter},
    {0x1611E, 0x1612F, kUpperish | kLowerish},
    {0x16130, 0x16139, kNumber},
    {0x16D40, 0x16D6C, kUpperish | kLowerish | kLetter},
    {0x16D70, 0x16D79, kNumber},
    {0x18CFF, 0x18CFF, kUpperish | kLowerish | kLetter},
    {0x1CCF0, 0x1CCF9, kNumber},
    {0x1E5D0, 0x1E5ED, kUpperish | kLowerish | kLetter},
    {0x1E5EE, 0x1E5EF, kUpperish | kLowerish},
    {0x1E5F0, 0x1E5F0, kUpperish | kLowerish | kLetter},
    {0x1E5F1, 0x1E5FA, kNumber},
    {0x2EBF0, 0x2EE5D, kUpperish | kLowerish | kLetter},
};

uint8_t BitsOf(UCharCategory category) {
  const uint32_t mask = U_MASK(category);
  uint32_t bits = 0;
  constexpr uint32_t kEitherCase = U_GC_LM_MASK | U_GC_LO_MASK | U_GC_M_MASK;
  if (mask & (U_GC_LU_MASK | U_GC_LT_MASK | kEitherCase)) bits |= kUpperish;
  if (mask & (U_GC_LL_MASK | kEitherCase)) bits |= kLowerish;
  if (mask & U_GC_L_MASK) bits |= kLetter;
  if (mask & U_GC_N_MASK) bits |= kNumber;
  return static_cast<uint8_t>(bits);
}

UBool FillRange(const void* context, UChar32 start, UChar32 limit, UCharCategory category) {
  auto* bits = static_cast<uint8_t*>(const_cast<void*>(context));
  std::fill(bits + start, bits + limit, BitsOf(category));
  return true;
}

}  // namespace

CharClasses::CharClasses() : bits_(kCodePoints) {
  u_enumCharTypes(FillRange, bits_.data());
  for (const Range& range : kNewer) {
    for (UChar32 point = range.first; point <= range.last; ++point) {
      if (u_charType(point) == U_UNASSIGNED) bits_[point] = static_cast<uint8_t>(range.bits);
    }
  }
  for (UChar32 point = 0; point < kSpacesEnd; ++point) {
    if (u_isUWhiteSpace(point)) bits_[point] |= kSpace;
  }
  bits_['\r'] |= kNewline;
  bits_['\n'] |= kNewline;
}

const CharClasses& CharClasses::Get() {
  static const CharClasses classes;
  return classes;
}

}  // namespace gatehouse

#include "text/char_class.h"

#include <unicode/uchar.h>

#include <algorithm>

namespace gatehouse {
namespace {

constexpr size_t kCodePoints = 0x110000;
// White_Space has not changed since Unicode 6.3; all of it lies below this.
constexpr UChar32 kSpacesEnd = 0x3001;

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

#include "base/error.h"

namespace gatehouse {

std::string Error::Message() const {
  std::string out = what;
  if (!where.empty()) out += " in " + where;
  if (!expected.empty()) out += ": expected " + expected;
  if (!found.empty()) out += (expected.empty() ? ": found " : ", found ") + found;
  return out;
}

}  // namespace gatehouse

// The cosine of two vectors of one length: 1 where they point the same way.
#pragma once

#include <cmath>
#include <cstddef>
#include <vector>

namespace gatehouse::test {

inline double Cosine(const std::vector<float>& a, const std::vector<float>& b) {
  double ab = 0, aa = 0, bb = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    const double p = static_cast<double>(a[i]), q = static_cast<double>(b[i]);
    ab += p * q;
    aa += p * p;
    bb += q * q;
  }
  return ab / std::sqrt(aa * bb);
}

}  // namespace gatehouse::test

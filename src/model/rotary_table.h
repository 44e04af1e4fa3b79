// RotaryTable: cosine and sine of every angle that a decoder rotates its heads by, one row a position, on the
// device. It grows with the longest text seen, and never computes an angle twice.
//
//   GATEHOUSE_ASSIGN(const auto angles, table.UpTo(last_position + 1));  // within a pass
//   backend.Rope(q, head_dim, angles->cos, angles->sin, positions, interleaved);
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "backend/backend.h"
#include "gatehouse/result.h"

namespace gatehouse {

class RotaryTable {
 public:
  struct Angles {
    std::unique_ptr<DeviceBuffer> cos_memory, sin_memory;
    Mat cos, sin;  // [positions, head_dim / 2]
  };

  // frequencies: one a pair of a head's dimensions.
  RotaryTable(std::vector<float> frequencies, Backend& backend)
      : frequencies_(std::move(frequencies)), backend_(backend) {}

  // At least for positions 0 .. positions - 1. Whoever holds the answer keeps it: a pass within another may
  // make the table grow, which takes new memory.
  Result<std::shared_ptr<const Angles>> UpTo(int64_t positions);

 private:
  std::vector<float> frequencies_;
  Backend& backend_;
  std::shared_ptr<const Angles> angles_;
};

}  // namespace gatehouse

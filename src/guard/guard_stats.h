// What a guard's network did since it was loaded, for figures.
#pragma once

#include <cstdint>

#include "gatehouse/guard.h"

namespace gatehouse {

struct GuardStats {
  int64_t passes = 0;
  int64_t rows = 0;            // over all passes
  int64_t texts = 0;           // over all passes: shared passes count each
  int64_t waiting_tokens = 0;  // now: of requests that were taken and are not computed
};
GuardStats StatsOf(const Guard& guard);

}  // namespace gatehouse

// A pass's rows as attention takes them: cut once a pass into units, which every layer then goes through.
#include "backend/cpu_internal.h"

namespace gatehouse::cpu {
namespace {

// Rows of one sequence that one unit of work takes together.
constexpr int kRowsAtOnce = 16;

}  // namespace

void Layout::Prepare(const AttentionLayout& layout) {
  host = layout;
  units.clear();
  const int rows = static_cast<int>(host.rows.size());
  for (int first = 0; first < rows;) {
    const int32_t sequence = host.rows[static_cast<size_t>(first)].sequence;
    int count = 1;
    while (count < kRowsAtOnce && first + count < rows &&
           host.rows[static_cast<size_t>(first + count)].sequence == sequence) {
      ++count;
    }
    units.push_back({first, count});
    first += count;
  }
}

}  // namespace gatehouse::cpu

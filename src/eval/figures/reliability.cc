#include "eval/figures/figures.h"
#include "eval/figures/sorted_rows.h"

namespace gatehouse {

std::vector<ReliabilityBin> Reliability(const ScoredRows& rows, int bins) {
  std::vector<ReliabilityBin> result;
  if (bins <= 0) return result;
  const std::vector<SortedRow> sorted = SortRows(rows);
  const size_t count = static_cast<size_t>(bins);
  size_t begin = 0;
  for (size_t b = 0; b < count && begin < sorted.size(); ++b) {
    const size_t end = begin + sorted.size() / count + (b < sorted.size() % count ? 1 : 0);
    double scores = 0;
    int64_t unsafe = 0;
    for (size_t i = begin; i < end; ++i) {
      scores += sorted[i].score();
      unsafe += sorted[i].label();
    }
    ReliabilityBin bin;
    bin.n = static_cast<int64_t>(end - begin);
    bin.low = sorted[begin].score();
    bin.high = sorted[end - 1].score();
    bin.mean_score = scores / static_cast<double>(bin.n);
    bin.share = static_cast<double>(unsafe) / static_cast<double>(bin.n);
    result.push_back(bin);
    begin = end;
  }
  return result;
}

}  // namespace gatehouse

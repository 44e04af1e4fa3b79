// quant_bench [--rounds R] [--quick] [--m M] [--threads T] [--json] [table...]: share of its bound that a
// product with quantised weights reaches.
//
// For many rows the bound is the peak: the table's own multiply-add in a register-only loop. For few rows (M
// <= 8) it is the smaller of that and what memory delivers: operations a byte of weights times a plain read
// of the same weights, which together are larger than any cache. Bound and product are measured alternately,
// R times, and the best of each is compared: on a machine that does other things too, both see the same quiet
// moments.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/cpu.h"
#include "base/thread_pool.h"
#include "kernels/measure.h"
#include "kernels/quant/quant.h"
#include "kernels/tables.h"

namespace {

using gatehouse::AlignedMemory;
using gatehouse::FilledMemory;
using gatehouse::kPanel;
using gatehouse::MeasureRate;
using gatehouse::QuantFormat;
using gatehouse::QuantGroups;
using gatehouse::QuantKernel;
using gatehouse::QuantPanelBytes;
using gatehouse::Rate;
using gatehouse::ThreadPool;

constexpr int64_t kFewRows = 8;
constexpr int64_t kStreamedBytes = 320 << 20;  // of weights for few rows: ten times the third cache

constexpr double kPeakSeconds = 0.05;

struct Case {
  int64_t n, k, rows;
};

struct Operands {
  Operands(const QuantKernel& kernel, const Case& c, int threads)
      : panel_bytes(QuantPanelBytes(kernel.format, c.k)),
        groups(QuantGroups(c.k)),
        panels(c.n / kPanel),
        stride((c.k + 63) / 64 * 64) {
    // Few rows: as many panels as it takes to be larger than the caches, passed over one after the other.
    if (c.rows <= kFewRows) panels = std::max(panels, kStreamedBytes / panel_bytes);
    weights = FilledMemory(panels * panel_bytes, 0x79);
    scales = FilledMemory(panels * groups * kPanel * 4, 0x3C);  // 0.0115
    values = FilledMemory(c.rows * stride, 0);
    row_scales = FilledMemory(c.rows * groups * 4, 0x3C);
    sums = FilledMemory(c.rows * groups * 4, 0);
    y = FilledMemory(c.rows * c.n * 4, 0);
    const AlignedMemory x = FilledMemory(c.rows * c.k * 4, 0x3C);
    kernel.round(static_cast<const float*>(x.get()), c.rows, c.k, c.k, static_cast<int8_t*>(values.get()),
                 stride, static_cast<float*>(row_scales.get()), static_cast<int32_t*>(sums.get()));
    for (int thread = 0; thread < threads; ++thread)
      scratch.push_back(FilledMemory(static_cast<int64_t>(kernel.scratch_bytes(c.rows, c.k)) + 64, 0));
  }

  void Run(const QuantKernel& kernel, const Case& c, int64_t panel, int thread) const {
    const gatehouse::QuantRows rows{static_cast<const int8_t*>(values.get()), stride,
                                    static_cast<const float*>(row_scales.get()),
                                    static_cast<const int32_t*>(sums.get())};
    const gatehouse::QuantPanel stored{static_cast<const uint8_t*>(weights.get()) + panel * panel_bytes,
                                       static_cast<const float*>(scales.get()) + panel * groups * kPanel};
    kernel.run(rows, c.rows, c.k, stored,
               {static_cast<float*>(y.get()) + panel % (c.n / kPanel) * kPanel, c.n, kPanel},
               scratch[static_cast<size_t>(thread)].get());
  }

  int64_t panel_bytes, groups, panels, stride;
  AlignedMemory weights, scales, values, row_scales, sums, y;
  std::vector<AlignedMemory> scratch;
};

void RunCase(const QuantKernel& kernel, const Case& c, ThreadPool& pool, int rounds, bool json) {
  const Operands operands(kernel, c, pool.threads());
  const bool few = c.rows <= kFewRows;
  const double operations = 2.0 * static_cast<double>(kPanel * c.k * c.rows);  // of a panel
  const double bytes = static_cast<double>(operands.panel_bytes + operands.groups * kPanel * 4);
  Rate peak, read, best;
  for (int round = 0; round < rounds; ++round) {
    peak.Improve(gatehouse::PeakRate(pool, kernel.peak_loop, kPeakSeconds));
    if (few) {
      read.Improve(gatehouse::ReadRate(pool, operands.weights.get(), operands.panels * operands.panel_bytes));
    }
    best.Improve(MeasureRate(pool, operands.panels, operations,
                             [&](int64_t panel, int thread) { operands.Run(kernel, c, panel, thread); }));
  }
  const double wall_bound = few ? std::min(peak.wall, read.wall / bytes * operations) : peak.wall;
  const double cpu_bound = few ? std::min(peak.cpu, read.cpu / bytes * operations) : peak.cpu;
  const std::string name = kernel.name;
  const size_t slash = name.find('/');
  if (json) {
    std::printf(
        "{\"kernel\":\"%s\",\"isa\":\"%s\",\"threads\":%d,\"m\":%ld,\"n\":%ld,\"k\":%ld,\"gops\":%.1f,"
        "\"peak\":%.1f,\"bound\":%.1f,\"share\":%.3f,\"cpu_share\":%.3f,\"read_gbs\":%.1f}\n",
        name.substr(slash + 1).c_str(), name.substr(0, slash).c_str(), pool.threads(),
        static_cast<long>(c.rows), static_cast<long>(c.n), static_cast<long>(c.k), best.wall / 1e9,
        peak.wall / 1e9, wall_bound / 1e9, best.wall / wall_bound, best.cpu / cpu_bound, read.wall / 1e9);
  } else {
    std::printf(
        "%-14s %4ld x %-4ld M=%-3ld threads=%d %6.1f Gop/s, peak %6.1f, bound %6.1f: share %.3f, "
        "of cpu time %.3f; weights %5.1f of %4.1f GB/s\n",
        kernel.name, static_cast<long>(c.n), static_cast<long>(c.k), static_cast<long>(c.rows),
        pool.threads(), best.wall / 1e9, peak.wall / 1e9, wall_bound / 1e9, best.wall / wall_bound,
        best.cpu / cpu_bound, best.wall / operations * bytes / 1e9, read.wall / 1e9);
  }
  std::fflush(stdout);
}

std::vector<const QuantKernel*> Tables() {
  std::vector<const QuantKernel*> out;
  for (const QuantFormat format : {QuantFormat::kQ8, QuantFormat::kQ4}) {
    for (const QuantKernel* table : gatehouse::QuantTables(format, gatehouse::DetectIsa()))
      out.push_back(table);
  }
  return out;
}

}  // namespace

int main(int argc, char** argv) {
  int rounds = 7, threads = 2;
  int64_t only_rows = 0;
  bool quick = false, json = false;
  std::vector<std::string> wanted;
  for (int index = 1; index < argc; ++index) {
    const std::string argument = argv[index];
    const bool more = index + 1 < argc;
    if (argument == "--rounds" && more) {
      rounds = std::max(1, std::atoi(argv[++index]));
    } else if (argument == "--threads" && more) {
      threads = std::max(1, std::atoi(argv[++index]));
    } else if (argument == "--m" && more) {
      only_rows = std::max(1, std::atoi(argv[++index]));
    } else if (argument == "--quick") {
      quick = true;
    } else if (argument == "--json") {
      json = true;
    } else {
      wanted.push_back(argument);
    }
  }
  if (!json) std::printf("%s, best of %d\n", gatehouse::CpuModelName().c_str(), rounds);
  ThreadPool pool(threads);
  for (const QuantKernel* table : Tables()) {
    const bool slow = std::strncmp(table->name, "ref", 3) == 0;
    if (wanted.empty() ? slow : std::find(wanted.begin(), wanted.end(), table->name) == wanted.end())
      continue;
    for (const int64_t rows : {256, 64, 8, 4, 1}) {
      if (only_rows != 0 && rows != only_rows) continue;
      for (const Case& one :
           {Case{5120, 5120, rows}, Case{1024, 5120, rows}, Case{8192, 5120, rows}, Case{5120, 8192, rows}}) {
        if (!quick || (one.n == 5120 && one.k == 5120)) RunCase(*table, one, pool, rounds, json);
      }
    }
  }
  return 0;
}

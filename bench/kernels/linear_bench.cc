// linear_bench [--rounds R] [--quick] [table...]: share of the peak that Y = X W^T reaches with each table of
// kernels.
//
// The peak is the table's own multiply-add in a register-only loop. Peak and product are measured
// alternately, R times, and the best of each is compared: on a machine that does other things too, both see
// the same quiet moments. Below the products stand the costs of packing: time of one panel's preparation as a
// share of its product with 256 rows.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/cpu.h"
#include "base/thread_pool.h"
#include "kernels/linear/linear.h"
#include "kernels/measure.h"
#include "kernels/tables.h"

namespace {

using gatehouse::AlignedMemory;
using gatehouse::ComputeType;
using gatehouse::FilledMemory;
using gatehouse::kPanel;
using gatehouse::LinearKernel;
using gatehouse::MeasureRate;
using gatehouse::Rate;
using gatehouse::ThreadPool;

double Seconds(const std::function<void()>& body) {
  const auto start = std::chrono::steady_clock::now();
  body();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

// 0.747 in both formats: no denormals, no infinities.
AlignedMemory Filled(int64_t bytes) { return FilledMemory(bytes, 0x3F); }

struct Case {
  int64_t n, k, rows;
};

void RunCase(const LinearKernel& kernel, const Case& c, ThreadPool& pool, int rounds) {
  const int64_t element = kernel.compute == ComputeType::kBF16 ? 2 : 4;
  const int64_t panel_bytes = c.k * kPanel * element;
  const AlignedMemory x = Filled(c.rows * c.k * element);
  const AlignedMemory w = Filled(c.n * c.k * element);
  const AlignedMemory y = Filled(c.rows * c.n * 4);
  std::vector<AlignedMemory> scratch;
  for (int thread = 0; thread < pool.threads(); ++thread) {
    scratch.push_back(Filled(static_cast<int64_t>(kernel.scratch_bytes(c.rows, c.k)) + 64));
  }
  const double panel_operations = 2.0 * static_cast<double>(kPanel * c.k * c.rows);
  Rate peak, best;
  for (int round = 0; round < rounds; ++round) {
    peak.Improve(gatehouse::PeakRate(pool, kernel.peak_loop, 0.05));
    best.Improve(MeasureRate(pool, c.n / kPanel, panel_operations, [&](int64_t panel, int thread) {
      kernel.run(x.get(), c.k, c.rows, c.k, static_cast<const char*>(w.get()) + panel * panel_bytes,
                 static_cast<float*>(y.get()) + panel * kPanel, c.n, kPanel,
                 scratch[static_cast<size_t>(thread)].get());
    }));
  }
  const double bytes =
      static_cast<double>(element) / (2.0 * static_cast<double>(c.rows));  // of weights, an operation
  std::printf(
      "%-17s %4ld x %-4ld M=%-3ld threads=%d %7.1f Gop/s, share %.3f, of cpu time %.3f; weights %5.1f GB/s\n",
      kernel.name, static_cast<long>(c.n), static_cast<long>(c.k), static_cast<long>(c.rows), pool.threads(),
      best.wall / 1e9, best.wall / peak.wall, best.cpu / peak.cpu, best.wall * bytes / 1e9);
  std::fflush(stdout);
}

// Preparing panels of a 1024 x 5120 matrix, which lies in memory, against their products with 256 rows.
void RunPacking(const LinearKernel& kernel, int rounds) {
  constexpr int64_t kRows = 1024;
  constexpr int64_t kCols = 5120;
  constexpr int64_t kBatch = 256;
  const int64_t element = kernel.compute == ComputeType::kBF16 ? 2 : 4;
  const AlignedMemory source = Filled(kRows * kCols * 4);
  const AlignedMemory panel = Filled(kPanel * kCols * 4);
  const AlignedMemory x = Filled(kBatch * kCols * 4);
  const AlignedMemory y = Filled(kBatch * kPanel * 4);
  const AlignedMemory rounded = Filled(kBatch * kCols * 2);
  const AlignedMemory scratch = Filled(static_cast<int64_t>(kernel.scratch_bytes(kBatch, kCols)) + 64);
  const auto* bf16 = static_cast<const uint16_t*>(source.get());
  const auto* f32 = static_cast<const float*>(source.get());
  double product = 1e30, pack_bf16 = 1e30, pack_f32 = 1e30, widen = 1e30, round_x = 1e30;
  for (int round = 0; round < rounds; ++round) {
    for (int64_t row = 0; row + kPanel <= kRows; row += kPanel) {
      pack_bf16 =
          std::min(pack_bf16,
                   Seconds([&] { kernel.pack_bf16(bf16 + row * kCols, kCols, kPanel, kCols, panel.get()); }));
      pack_f32 = std::min(
          pack_f32, Seconds([&] { kernel.pack_f32(f32 + row * kCols, kCols, kPanel, kCols, panel.get()); }));
      if (kernel.widen_panel != nullptr) {
        widen = std::min(widen, Seconds([&] {
                           kernel.widen_panel(bf16 + row * kCols, kCols, static_cast<float*>(panel.get()));
                         }));
      }
    }
    if (kernel.round != nullptr) {
      round_x = std::min(round_x, Seconds([&] {
                           kernel.round(static_cast<const float*>(x.get()), kBatch, kCols, kCols,
                                        static_cast<uint16_t*>(rounded.get()));
                         }));
    }
    product = std::min(product, Seconds([&] {
                         kernel.run(x.get(), kCols, kBatch, kCols, panel.get(), static_cast<float*>(y.get()),
                                    kPanel, kPanel, scratch.get());
                       }));
  }
  std::printf("%-18s one panel of 32 x %ld, share of its product at M=%ld: pack_bf16 %.3f, pack_f32 %.3f",
              kernel.name, static_cast<long>(kCols), static_cast<long>(kBatch), pack_bf16 / product,
              pack_f32 / product);
  if (widen < 1e30) std::printf(", widen %.3f", widen / product);
  if (round_x < 1e30)
    std::printf("; rounding X takes %.2f of one product (%ld bytes an element at %.1f GB/s)",
                round_x / product, static_cast<long>(4 + element),
                static_cast<double>(kBatch * kCols * 6) / round_x / 1e9);
  std::printf("\n");
}

}  // namespace

int main(int argc, char** argv) {
  int rounds = 7;
  bool quick = false;
  std::vector<std::string> wanted;
  for (int index = 1; index < argc; ++index) {
    const std::string argument = argv[index];
    if (argument == "--rounds" && index + 1 < argc) {
      rounds = std::max(1, std::atoi(argv[++index]));
    } else if (argument == "--quick") {
      quick = true;
    } else {
      wanted.push_back(argument);
    }
  }
  const std::vector<const LinearKernel*> tables = gatehouse::LinearTables(gatehouse::DetectIsa());
  std::printf("%s, best of %d\n", gatehouse::CpuModelName().c_str(), rounds);
  for (const LinearKernel* table : tables) {
    const bool is_ref = std::strncmp(table->name, "ref", 3) == 0;
    if (wanted.empty() ? is_ref : std::find(wanted.begin(), wanted.end(), table->name) == wanted.end())
      continue;
    for (int threads : {1, 2}) {
      ThreadPool pool(threads);
      for (const int64_t rows : {256, 64, 8, 1}) {
        const std::vector<Case> cases = {
            {5120, 5120, rows}, {1024, 5120, rows}, {8192, 5120, rows}, {5120, 8192, rows}};
        for (const Case& one : cases) {
          if (!quick || &one == &cases[1]) RunCase(*table, one, pool, rounds);
        }
      }
    }
    RunPacking(*table, rounds);
  }
  return 0;
}

// attention_bench [--rounds R]: share of the peak of its multiply-adds that attention over many pages
// reaches, with each table. Peak and attention are measured alternately, R times, and the best of each is
// compared.
//
// A unit is what the backend gives one thread: the query heads that share a head of keys and values, for 16
// rows, over all pages.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "base/cpu.h"
#include "base/thread_pool.h"
#include "kernels/measure.h"
#include "kernels/tables.h"

namespace {

using namespace gatehouse;

struct Case {
  const char* name;
  int head_dim, queries, pages;
};

// The state of one thread's unit.
struct Unit {
  std::vector<float> max, sum, out;
};

void Run(const VectorKernel& kernel, const LinearKernel& peak_of, const Case& c, ThreadPool& pool,
         int rounds) {
  const bool in_pairs = kernel.attend_pairs != nullptr;
  const int stride = ValueStride(c.head_dim);
  const int64_t keys = static_cast<int64_t>(in_pairs ? 2 * HeadPairs(c.head_dim) : c.head_dim) * kPageTokens;
  const int64_t elements = keys + static_cast<int64_t>(kPageTokens) * stride;
  const int64_t element = in_pairs ? 2 : 4;
  constexpr int kFill = 0x3D;  // 0.046 in float32 and in bfloat16
  const AlignedMemory stored = FilledMemory(elements * element * c.pages * pool.threads(), kFill);
  const AlignedMemory q = FilledMemory(static_cast<int64_t>(c.queries) * (c.head_dim + 1) * element, kFill);
  const std::vector<uint32_t> masks(static_cast<size_t>(c.queries), ~0u);
  std::vector<Unit> units(static_cast<size_t>(pool.threads()));
  for (Unit& unit : units) {
    unit.max.resize(static_cast<size_t>(c.queries));
    unit.sum.resize(static_cast<size_t>(c.queries));
    unit.out.resize(static_cast<size_t>(c.queries * stride));
  }
  const auto body = [&](int64_t, int thread) {
    Unit& unit = units[static_cast<size_t>(thread)];
    std::fill(unit.max.begin(), unit.max.end(), -std::numeric_limits<float>::infinity());
    std::fill(unit.sum.begin(), unit.sum.end(), 0.0f);
    std::fill(unit.out.begin(), unit.out.end(), 0.0f);
    for (int page = 0; page < c.pages; ++page) {
      const char* k = static_cast<const char*>(stored.get()) + elements * element * (thread * c.pages + page);
      const char* v = k + keys * element;
      if (in_pairs) {
        kernel.attend_pairs({reinterpret_cast<const uint32_t*>(q.get()), reinterpret_cast<const uint32_t*>(k),
                             reinterpret_cast<const uint32_t*>(v), masks.data(), unit.max.data(),
                             unit.sum.data(), unit.out.data(), c.queries, c.head_dim});
      } else {
        kernel.attend({reinterpret_cast<const float*>(q.get()), reinterpret_cast<const float*>(k),
                       reinterpret_cast<const float*>(v), masks.data(), unit.max.data(), unit.sum.data(),
                       unit.out.data(), c.queries, c.head_dim});
      }
    }
  };
  const double operations = 4.0 * c.queries * kPageTokens * c.pages * c.head_dim;
  const auto count = std::max<int64_t>(2, static_cast<int64_t>(5e9 / operations));
  Rate best{}, peak{};
  for (int round = 0; round < rounds; ++round) {
    peak.Improve(PeakRate(pool, peak_of.peak_loop, 0.03));
    best.Improve(MeasureRate(pool, count, operations, body));
  }
  std::printf("%-12s %-5s %-22s %7.1f of %7.1f Gop/s %5.3f\n", kernel.name, in_pairs ? "pairs" : "f32",
              c.name, best.cpu * 1e-9, peak.cpu * 1e-9, best.cpu / peak.cpu);
}

}  // namespace

int main(int argc, char** argv) {
  int rounds = 7;
  for (int i = 1; i + 1 < argc; ++i) {
    if (std::strcmp(argv[i], "--rounds") == 0) rounds = std::max(1, std::atoi(argv[i + 1]));
  }
  const Isa isa = DetectIsa();
  const std::vector<const LinearKernel*> products = LinearTables(isa);
  ThreadPool pool(ThreadPool::DefaultThreads());
  const Case cases[] = {{"Llama Guard 4, 256", 128, 80, 8},
                        {"Llama Guard 4, 1280", 128, 80, 40},
                        {"vision, 577", 88, 16, 19},
                        {"starter, 192", 64, 48, 6}};
  for (const VectorKernel* kernel : VectorTables(isa)) {
    if (kernel == &kRefVector) continue;
    // Products of the same instruction set ("avx2" has "avx2/f32") have its multiply-add in their loop.
    const std::string prefix = std::string(kernel->name) + "/";
    const auto own = std::find_if(products.begin(), products.end(), [&](const LinearKernel* table) {
      return std::string(table->name).rfind(prefix, 0) == 0;
    });
    if (own == products.end()) continue;
    for (const Case& c : cases) Run(*kernel, **own, c, pool, rounds);
  }
  return 0;
}

#include "benchmark/kernels.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <functional>

#include "base/cpu.h"
#include "base/error.h"
#include "benchmark/rounds.h"
#include "kernels/measure.h"
#include "kernels/tables.h"

namespace gatehouse::benchmark {
namespace {

constexpr int64_t kFewRows = 8;
constexpr int64_t kStreamedBytes = int64_t{320} << 20;  // of weights for few rows: more than caches hold
constexpr double kSeconds = 0.05;                       // of each measurement, at least about
constexpr int64_t kRowAlign = 64;

struct Case {
  int64_t m = 0, n = 0, k = 0;
};

// One product ready to run: weights and rows in the form that its kernel wants.
struct Product {
  std::string isa;                         // that the kernel is named for
  double (*peak_loop)(int64_t) = nullptr;  // of the same table
  int64_t panels = 0;                      // stored: those of N, or as many as caches do not hold
  int64_t panel_bytes = 0;                 // that a product reads of one: values and scales
  const void* weights = nullptr;
  int64_t weight_bytes = 0;
  std::function<void(int64_t panel, int thread)> run;  // one panel's 32 outputs for all M rows
  std::vector<AlignedMemory> memory;

  void* Fill(int64_t bytes, int value) {
    memory.push_back(FilledMemory(bytes, value));
    return memory.back().get();
  }
};

int64_t StoredPanels(const Case& c, int64_t panel_bytes) {
  const int64_t panels = c.n / kPanel;
  return c.m > kFewRows ? panels : std::max(panels, kStreamedBytes / panel_bytes);
}

std::string IsaOf(const char* name) {
  const std::string whole = name;
  return whole.substr(0, whole.find('/'));
}

// Weights in float32, or in bfloat16, which a table that computes in float32 widens as it goes.
Product LinearProduct(const LinearKernel& kernel, bool bf16_weights, const Case& c, int threads) {
  Product out;
  const bool bf16 = kernel.compute == ComputeType::kBF16;
  const int64_t padded = (c.k + 1) / 2 * 2;
  out.isa = IsaOf(kernel.name);
  out.peak_loop = kernel.peak_loop;
  out.panel_bytes = padded * kPanel * (bf16_weights ? 2 : 4);
  out.panels = StoredPanels(c, out.panel_bytes);
  out.weight_bytes = out.panels * out.panel_bytes;
  constexpr int kFill = 0x3F;  // 0.747 in both formats
  const auto* weights = static_cast<const char*>(out.Fill(out.weight_bytes, kFill));
  out.weights = weights;
  const void* x = out.Fill(c.m * padded * (bf16 ? 2 : 4), kFill);
  auto* y = static_cast<float*>(out.Fill(c.m * c.n * 4, 0));
  std::vector<void*> scratch;
  scratch.reserve(static_cast<size_t>(threads));
  for (int thread = 0; thread < threads; ++thread)
    scratch.push_back(out.Fill(static_cast<int64_t>(kernel.scratch_bytes(c.m, c.k)) + kRowAlign, 0));
  const bool widen = bf16_weights && !bf16;
  const int64_t stride = bf16 ? padded : c.k;
  out.run = [=, &kernel, bytes = out.panel_bytes](int64_t panel, int thread) {
    void* work = scratch[static_cast<size_t>(thread)];
    const void* stored = weights + panel * bytes;
    float* to = y + panel % (c.n / kPanel) * kPanel;
    if (widen) {
      kernel.run_packed(static_cast<const float*>(x), stride, c.m, c.k, static_cast<const uint16_t*>(stored),
                        to, c.n, kPanel, work);
    } else {
      kernel.run(x, stride, c.m, c.k, stored, to, c.n, kPanel, work);
    }
  };
  return out;
}

Product QuantProduct(const QuantKernel& kernel, const Case& c, int threads) {
  Product out;
  const int64_t value_bytes = QuantPanelBytes(kernel.format, c.k), groups = QuantGroups(c.k);
  // A line more than needed: rows a multiple of 4 KB apart would fight for the same places of the first
  // cache.
  const int64_t stride = (QuantPaddedK(c.k) + kRowAlign - 1) / kRowAlign * kRowAlign + kRowAlign;
  out.isa = IsaOf(kernel.name);
  out.peak_loop = kernel.peak_loop;
  out.panel_bytes = value_bytes + groups * kPanel * 4;
  out.panels = StoredPanels(c, value_bytes);
  out.weight_bytes = out.panels * value_bytes;
  const auto* values = static_cast<const uint8_t*>(out.Fill(out.weight_bytes, 0x79));
  out.weights = values;
  constexpr int kSmall = 0x3C;  // 0.0115 as float32
  const auto* scales = static_cast<const float*>(out.Fill(out.panels * groups * kPanel * 4, kSmall));
  const auto* x = static_cast<const float*>(out.Fill(c.m * c.k * 4, kSmall));
  auto* x_values = static_cast<int8_t*>(out.Fill(c.m * stride, 0));
  auto* x_scales = static_cast<float*>(out.Fill(c.m * groups * 4, 0));
  auto* x_sums = static_cast<int32_t*>(out.Fill(c.m * groups * 4, 0));
  kernel.round(x, c.m, c.k, c.k, x_values, stride, x_scales, x_sums);
  QuantRows rows{x_values, stride, x_scales, x_sums};
  if (kernel.widen != nullptr) {
    auto* widened = static_cast<char*>(out.Fill(c.m * kernel.widened_bytes(c.k), 0));
    kernel.widen(rows, c.m, c.k, widened);
    rows.widened = widened;
  }
  auto* y = static_cast<float*>(out.Fill(c.m * c.n * 4, 0));
  std::vector<void*> scratch;
  scratch.reserve(static_cast<size_t>(threads));
  for (int thread = 0; thread < threads; ++thread)
    scratch.push_back(out.Fill(static_cast<int64_t>(kernel.scratch_bytes(c.m, c.k)) + kRowAlign, 0));
  out.run = [=, &kernel](int64_t panel, int thread) {
    kernel.run(rows, c.m, c.k, {values + panel * value_bytes, scales + panel * groups * kPanel},
               {y + panel % (c.n / kPanel) * kPanel, c.n, kPanel}, scratch[static_cast<size_t>(thread)]);
  };
  return out;
}

Product MakeProduct(const std::string& kernel, const Case& c, Isa isa, int threads) {
  const LinearKernel& f32 = *BestLinear(ComputeType::kF32, isa);
  if (kernel == "f32") return LinearProduct(f32, false, c, threads);
  if (kernel == "bf16") {
    const LinearKernel* dot = BestLinear(ComputeType::kBF16, isa);
    return LinearProduct(dot != nullptr ? *dot : f32, true, c, threads);
  }
  return QuantProduct(*QuantTables(kernel == "q8" ? QuantFormat::kQ8 : QuantFormat::kQ4, isa).back(), c,
                      threads);
}

Result<void> MeasureCase(const std::string& name, const Case& c, Isa isa, ThreadPool& pool,
                         const BenchKernelsOptions& options, const Console& console) {
  const Product product = MakeProduct(name, c, isa, pool.threads());
  const bool few = c.m <= kFewRows;
  const double operations = 2.0 * static_cast<double>(kPanel * c.k * c.m);  // of a panel
  int64_t passes = 1;
  const auto run = [&] {
    return MeasureRate(pool, passes * product.panels, operations,
                       [&](int64_t index, int thread) { product.run(index % product.panels, thread); })
        .wall;
  };
  // The first one warms up, and says how many passes fill the time.
  const double seconds = operations * static_cast<double>(product.panels) / run();
  passes = std::max<int64_t>(1, static_cast<int64_t>(kSeconds / seconds));
  std::vector<double> gops, peaks, bounds, shares, reads;
  for (int round = 0; round < options.rounds; ++round) {
    const double peak = PeakRate(pool, product.peak_loop, kSeconds).wall;
    const double read = few ? ReadRate(pool, product.weights, product.weight_bytes).wall : 0.0;
    const double bound =
        few ? std::min(peak, read / static_cast<double>(product.panel_bytes) * operations) : peak;
    const double rate = run();
    gops.push_back(rate / 1e9);
    peaks.push_back(peak / 1e9);
    bounds.push_back(bound / 1e9);
    reads.push_back(read / 1e9);
    shares.push_back(rate / bound);
  }
  if (options.json) {
    return console.print(JsonObject()
                             .Add("kernel", name)
                             .Add("isa", product.isa)
                             .Add("threads", pool.threads())
                             .Add("m", c.m)
                             .Add("n", c.n)
                             .Add("k", c.k)
                             .AddRounded("gops", Median(gops), 1)
                             .AddRounded("peak", Median(peaks), 1)
                             .AddRounded("bound", Median(bounds), 1)
                             .AddRounded("share", Median(shares), 3)
                             .AddRounded("read_gb_per_s", Median(reads), 1)
                             .Text() +
                         "\n");
  }
  return console.Print("{:5} {:13} {:4} x {:5} x {:5}  {:8.1f} {:8.1f} {:8.1f}  {:6.1f} %  {}\n", name,
                       product.isa, c.m, c.n, c.k, Median(gops), Median(peaks), Median(bounds),
                       100.0 * Median(shares), few ? fmt::format("{:.1f} GB/s", Median(reads)) : "");
}

Result<Case> ParseProduct(const std::string& text) {
  Case out;
  const char* const end = text.data() + text.size();
  const auto n = std::from_chars(text.data(), end, out.n);
  const bool cross = n.ec == std::errc() && n.ptr < end && *n.ptr == 'x';
  const auto k = cross ? std::from_chars(n.ptr + 1, end, out.k) : n;
  constexpr int64_t kMost = 1 << 20;
  if (!cross || k.ec != std::errc() || k.ptr != end || out.n <= 0 || out.n % kPanel != 0 || out.k <= 0 ||
      out.n > kMost || out.k > kMost) {
    return UsageError("not a product", "--product", "NxK, N a multiple of 32, such as 5120x5120", text);
  }
  return out;
}

}  // namespace

Result<void> BenchKernels(const BenchKernelsOptions& options, const Console& console) {
  GATEHOUSE_ASSIGN(const Isa isa, ChooseIsa());
  std::vector<Case> products;
  for (const std::string& text : options.products) {
    GATEHOUSE_ASSIGN(const Case one, ParseProduct(text));
    products.push_back(one);
  }
  ThreadPool pool(options.threads > 0 ? options.threads : ThreadPool::DefaultThreads());
  if (!options.json) {
    GATEHOUSE_TRY(console.Print("{}, {} threads, median of {} rounds; Gop/s, two operations a multiply-add\n",
                                CpuModelName(), pool.threads(), options.rounds));
    GATEHOUSE_TRY(console.Print("{:5} {:13} {:>4}   {:>5}   {:>5}  {:>8} {:>8} {:>8}  {:>6}    {}\n", "", "",
                                "M", "N", "K", "Gop/s", "peak", "bound", "share", "read"));
  }
  for (const std::string& kernel : options.kernels) {
    for (const int64_t m : options.rows) {
      for (const Case& product : products)
        GATEHOUSE_TRY(MeasureCase(kernel, {m, product.n, product.k}, isa, pool, options, console));
    }
  }
  return {};
}

}  // namespace gatehouse::benchmark

#include "benchmark/request.h"

#include <fmt/core.h>

#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

#include "base/cpu.h"
#include "base/error.h"
#include "benchmark/random_model.h"
#include "benchmark/rounds.h"
#include "kernels/measure.h"
#include "kernels/tables.h"

namespace gatehouse::benchmark {
namespace {

// Operations a second of the register-only loops of the products that a model may have, on as many threads as
// the guard uses.
class Peaks {
 public:
  Peaks(Isa isa, int threads) : pool_(threads > 0 ? threads : ThreadPool::DefaultThreads()), isa_(isa) {}

  void Measure() {
    const LinearKernel* linear = BestLinear(ComputeType::kBF16, isa_);
    if (linear == nullptr) linear = BestLinear(ComputeType::kF32, isa_);
    bf16_.push_back(PeakRate(pool_, linear->peak_loop, kSeconds).wall);
    q8_.push_back(PeakRate(pool_, QuantTables(QuantFormat::kQ8, isa_).back()->peak_loop, kSeconds).wall);
    q4_.push_back(PeakRate(pool_, QuantTables(QuantFormat::kQ4, isa_).back()->peak_loop, kSeconds).wall);
  }
  void AddTo(JsonObject* out) const {
    out->AddRounded("peak_bf16", Median(bf16_) / 1e9, 1)
        .AddRounded("peak_q8", Median(q8_) / 1e9, 1)
        .AddRounded("peak_q4", Median(q4_) / 1e9, 1);
  }
  std::string Text() const {
    return fmt::format("bf16 {:.0f}, q8 {:.0f}, q4 {:.0f}", Median(bf16_) / 1e9, Median(q8_) / 1e9,
                       Median(q4_) / 1e9);
  }

 private:
  static constexpr double kSeconds = 0.03;
  ThreadPool pool_;
  Isa isa_;
  std::vector<double> bf16_, q8_, q4_;
};

// Seconds of reading a prompt of `tokens` with nothing cached.
Result<double> TimePrompt(Engine& engine, int tokens) {
  TokenInput input;
  for (int i = 0; i < tokens; ++i) input.ids.push_back((i * 7919 + 11) % engine.config().vocab);
  const std::vector<TokenPath> end = {{}};
  Sequence sequence = engine.NewSequence();
  const Clock::time_point begin = Clock::now();
  GATEHOUSE_TRY(engine.Run(sequence, input, end));
  return SecondsSince(begin);
}

}  // namespace

Result<void> BenchRequest(const BenchRequestOptions& options, const Console& console) {
  GATEHOUSE_ASSIGN(const BenchGuard subject, BenchGuard::Load(options.subject));
  GATEHOUSE_ASSIGN(const Isa isa, ChooseIsa());
  const Guard& guard = subject.guard();
  Peaks peaks(isa, options.subject.guard.threads);
  const Clock::time_point begin = Clock::now();
  GATEHOUSE_TRY(guard.Classify(subject.Message(0), subject.request()));
  const double cold = SecondsSince(begin);
  // One that is not counted says what is cached and what is not: another engine can do the same work.
  GATEHOUSE_ASSIGN(const Verdict first, guard.Classify(subject.Message(1), subject.request()));
  const int cached = first.usage.cached_tokens;
  Paced paced(options.paced, console);
  GATEHOUSE_TRY(paced.Ready(JsonObject()
                                .Add("ready", true)
                                .Add("cached_tokens", cached)
                                .Add("new_tokens", first.usage.prompt_tokens - cached)));
  std::vector<double> seconds, prefill, decode, gops;
  Usage usage;
  int64_t rows = 0;
  for (int round = 1; round <= options.rounds; ++round) {
    GATEHOUSE_ASSIGN(const bool more, paced.Wait());
    if (!more) break;
    peaks.Measure();
    const Conversation message = subject.Message(round + 1);
    const EngineStats before = subject.engine().stats();
    const Clock::time_point start = Clock::now();
    GATEHOUSE_ASSIGN(const Verdict verdict, guard.Classify(message, subject.request()));
    seconds.push_back(SecondsSince(start));
    GATEHOUSE_TRY(paced.Over(seconds.back() * 1e3));
    const EngineStats after = subject.engine().stats();
    rows = after.rows - before.rows;
    gops.push_back(2e-9 *
                   LayerProducts(subject.engine().config(), static_cast<double>(rows),
                                 static_cast<double>(after.read - before.read)) /
                   seconds.back());
    prefill.push_back(verdict.timings.prefill);
    decode.push_back(verdict.timings.decode);
    usage = verdict.usage;
  }
  if (seconds.empty())
    return UsageError("no round was measured", "standard input", "a line a round", "its end");
  const int fresh = usage.prompt_tokens - usage.cached_tokens;
  const std::string kernels = guard.backend_description();
  if (options.json) {
    JsonObject out;
    out.Add("bench", "request")
        .Add("model", guard.model_name())
        .Add("kernel", kernels)
        .AddRounded("cold_ms", cold * 1e3, 2)
        .AddRounded("warm_ms", Median(seconds) * 1e3, 2)
        .AddRounded("prefill_ms", Median(prefill), 2)
        .AddRounded("decode_ms", Median(decode), 2)
        .Add("prompt_tokens", usage.prompt_tokens)
        .Add("new_tokens", fresh)
        .Add("rows", rows)
        .AddRounded("gops", Median(gops), 1);
    peaks.AddTo(&out);
    GATEHOUSE_TRY(console.print(out.Text() + "\n"));
  } else {
    GATEHOUSE_TRY(console.Print("a request to {}\n{}; {}\n", guard.model_name(), CpuModelName(), kernels));
    GATEHOUSE_TRY(console.Print(
        "  cold       {:9.2f} ms\n  warm       {:9.2f} ms (median of {}; {} of {} tokens new)\n", cold * 1e3,
        Median(seconds) * 1e3, seconds.size(), fresh, usage.prompt_tokens));
    GATEHOUSE_TRY(console.Print("    prefill  {:9.2f} ms\n    scoring  {:9.2f} ms ({} more tokens)\n",
                                Median(prefill), Median(decode), rows - fresh));
    GATEHOUSE_TRY(console.Print("  products   {:9.1f} Gop/s (peaks: {})\n", Median(gops), peaks.Text()));
  }
  return {};
}

Result<void> BenchBatch(const BenchRequestOptions& options, const Console& console) {
  constexpr int kPrompt = 256, kAlone = 4;
  GATEHOUSE_ASSIGN(const BenchGuard subject, BenchGuard::Load(options.subject));
  const Guard& guard = subject.guard();
  std::atomic<int> next{0};
  std::atomic<int64_t> fresh{0};
  std::atomic<bool> failed{false};
  const auto ask = [&](int requests) {
    for (int i = 0; i < requests; ++i) {
      const auto verdict = guard.Classify(subject.Message(next++), subject.request());
      failed = failed || !verdict.ok();
      if (verdict.ok()) fresh += verdict->usage.prompt_tokens - verdict->usage.cached_tokens;
    }
  };
  struct Speeds {
    std::vector<double> requests, tokens, rows;  // a second
  };
  const auto measure = [&](int clients, int requests, Speeds* speeds) {
    fresh = 0;
    const int64_t rows = subject.engine().stats().rows;
    const Clock::time_point begin = Clock::now();
    std::vector<std::thread> threads;
    threads.reserve(static_cast<size_t>(clients));
    for (int i = 0; i < clients; ++i) threads.emplace_back(ask, requests);
    for (std::thread& thread : threads) thread.join();
    const double seconds = SecondsSince(begin);
    speeds->requests.push_back(clients * requests / seconds);
    speeds->tokens.push_back(static_cast<double>(fresh) / seconds);
    speeds->rows.push_back(static_cast<double>(subject.engine().stats().rows - rows) / seconds);
  };
  ask(1);  // the policy's prefix
  GATEHOUSE_TRY(TimePrompt(subject.engine(), kPrompt));
  Speeds alone, batch;
  std::vector<double> prompt, shares;
  for (int round = 0; round < options.rounds && !failed; ++round) {
    GATEHOUSE_ASSIGN(const double seconds, TimePrompt(subject.engine(), kPrompt));
    prompt.push_back(kPrompt / seconds);
    measure(1, kAlone, &alone);
    measure(options.clients, 1, &batch);
    shares.push_back(batch.rows.back() / prompt.back());
  }
  if (failed) return InternalError("a request failed", "bench batch");
  const std::string kernels = guard.backend_description();
  if (options.json) {
    GATEHOUSE_TRY(console.print(JsonObject()
                                    .Add("bench", "batch")
                                    .Add("model", guard.model_name())
                                    .Add("kernel", kernels)
                                    .Add("clients", options.clients)
                                    .AddRounded("requests_per_s", Median(batch.requests), 2)
                                    .AddRounded("tokens_per_s", Median(batch.tokens), 1)
                                    .AddRounded("rows_per_s", Median(batch.rows), 1)
                                    .AddRounded("alone_requests_per_s", Median(alone.requests), 2)
                                    .AddRounded("alone_tokens_per_s", Median(alone.tokens), 1)
                                    .AddRounded("prompt_tokens_per_s", Median(prompt), 1)
                                    .AddRounded("rows_share", Median(shares), 4)
                                    .Text() +
                                "\n"));
  } else {
    GATEHOUSE_TRY(console.Print("requests of {} clients to {}\n{}; {}\n", options.clients, guard.model_name(),
                                CpuModelName(), kernels));
    GATEHOUSE_TRY(console.Print(
        "  together       {:9.2f} requests/s {:9.1f} new tokens/s {:9.1f} with scoring tokens\n",
        Median(batch.requests), Median(batch.tokens), Median(batch.rows)));
    GATEHOUSE_TRY(console.Print(
        "  one by one     {:9.2f} requests/s {:9.1f} new tokens/s {:9.1f} with scoring tokens\n",
        Median(alone.requests), Median(alone.tokens), Median(alone.rows)));
    GATEHOUSE_TRY(console.Print(
        "  a prompt of {} tokens                    {:9.1f} tokens/s: together {:.1f} % of it\n", kPrompt,
        Median(prompt), 100.0 * Median(shares)));
  }
  return {};
}

}  // namespace gatehouse::benchmark

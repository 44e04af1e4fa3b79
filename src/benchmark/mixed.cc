#include "benchmark/mixed.h"

#include <fmt/core.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <future>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "base/cpu.h"
#include "base/error.h"
#include "benchmark/rounds.h"

namespace gatehouse::benchmark {
namespace {

// The value that a share of all does not exceed. Of at least one value.
double Quantile(std::vector<double> values, double share) {
  std::sort(values.begin(), values.end());
  const auto at = static_cast<size_t>(share * static_cast<double>(values.size()));
  return values[std::min(at, values.size() - 1)];
}

}  // namespace

Result<void> BenchMixed(const BenchMixedOptions& options, const Console& console) {
  GATEHOUSE_ASSIGN(const BenchGuard subject, BenchGuard::Load(options.subject));
  const Guard& guard = subject.guard();
  int next = 0;
  int64_t short_tokens = 0;  // computed for short requests
  const auto ask = [&](int rounds, std::vector<double>* seconds) -> Result<void> {
    for (int i = 0; i < rounds; ++i) {
      const Conversation message = subject.Message(next++);
      const Clock::time_point begin = Clock::now();
      GATEHOUSE_ASSIGN(const Verdict verdict, guard.Classify(message, subject.request()));
      seconds->push_back(SecondsSince(begin));
      short_tokens += verdict.usage.prompt_tokens - verdict.usage.cached_tokens;
    }
    return {};
  };
  // A long text of its own from the first words on.
  const auto long_message = [&](int number) {
    std::string text = subject.Message(500 + number).messages.front().parts.front().text;
    const std::string piece = text;
    const int pieces = options.long_tokens / std::max(options.subject.tokens, 1);
    for (int i = 1; i < pieces; ++i) text += "\n" + piece;
    Conversation out;
    out.AddUser(std::move(text));
    return out;
  };

  std::vector<double> warm_up, alone, beside;
  GATEHOUSE_TRY(ask(3, &warm_up));
  GATEHOUSE_TRY(ask(options.rounds, &alone));
  const Clock::time_point begin_long = Clock::now();
  GATEHOUSE_ASSIGN(const Verdict first, guard.Classify(long_message(0), subject.request()));
  const double long_rate = (first.usage.prompt_tokens - first.usage.cached_tokens) / SecondsSince(begin_long);

  // One long request after the other, until the short ones are through.
  std::atomic<bool> stop{false}, failed{false};
  std::mutex mutex;
  std::optional<Request> at_work;
  std::thread client([&] {
    for (int number = 1; !stop; ++number) {
      std::promise<bool> answered;
      const auto done = [&](const Result<Verdict>& verdict) { answered.set_value(verdict.ok() || stop); };
      {
        const std::lock_guard lock(mutex);
        if (stop) return;
        Result<Request> request = guard.Submit(long_message(number % 400), subject.request(), done);
        failed = failed || !request.ok();
        if (!request.ok()) return;
        at_work = std::move(*request);
      }
      failed = failed || !answered.get_future().get();
    }
  });
  const EngineStats before = subject.engine().stats();
  short_tokens = 0;
  const Clock::time_point begin = Clock::now();
  const Result<void> asked = ask(options.rounds, &beside);
  const EngineStats after = subject.engine().stats();
  const double elapsed = SecondsSince(begin);
  const double rate = static_cast<double>(after.rows - before.rows) / elapsed;
  // The rest of what passes have computed: also of a long text that is not through.
  const double long_beside = static_cast<double>(after.tokens - before.tokens - short_tokens) / elapsed;
  {
    const std::lock_guard lock(mutex);
    stop = true;
    if (at_work) at_work->Cancel();
  }
  client.join();
  GATEHOUSE_TRY(asked);
  if (failed) return InternalError("a long request failed", "bench mixed");

  const auto ms = [](const std::vector<double>& seconds, double share) {
    return Quantile(seconds, share) * 1e3;
  };
  const double ratio = ms(beside, 0.99) / ms(alone, 0.99);
  const std::string kernels = guard.backend_description();
  if (options.json) {
    GATEHOUSE_TRY(console.print(JsonObject()
                                    .Add("bench", "mixed")
                                    .Add("model", guard.model_name())
                                    .Add("kernel", kernels)
                                    .AddRounded("alone_p50_ms", ms(alone, 0.5), 2)
                                    .AddRounded("alone_p99_ms", ms(alone, 0.99), 2)
                                    .AddRounded("beside_p50_ms", ms(beside, 0.5), 2)
                                    .AddRounded("beside_p99_ms", ms(beside, 0.99), 2)
                                    .AddRounded("ratio_p99", ratio, 3)
                                    .Add("long_tokens", first.usage.prompt_tokens)
                                    .AddRounded("long_alone_tokens_per_s", long_rate, 1)
                                    .AddRounded("beside_rows_per_s", rate, 1)
                                    .AddRounded("long_beside_tokens_per_s", long_beside, 1)
                                    .Text() +
                                "\n"));
  } else {
    GATEHOUSE_TRY(console.Print("{} short requests to {}, alone and beside long ones of {} tokens\n{}; {}\n",
                                options.rounds, guard.model_name(), first.usage.prompt_tokens, CpuModelName(),
                                kernels));
    GATEHOUSE_TRY(
        console.Print("  alone      median {:9.2f} ms  p99 {:9.2f} ms\n", ms(alone, 0.5), ms(alone, 0.99)));
    GATEHOUSE_TRY(console.Print("  beside     median {:9.2f} ms  p99 {:9.2f} ms: p99 {:.2f} times as long\n",
                                ms(beside, 0.5), ms(beside, 0.99), ratio));
    GATEHOUSE_TRY(console.Print(
        "  a long one alone {:9.1f} tokens/s; both together {:9.1f} tokens/s with scoring tokens\n",
        long_rate, rate));
  }
  return {};
}

}  // namespace gatehouse::benchmark

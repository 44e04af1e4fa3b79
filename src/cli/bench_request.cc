#include "cli/bench_request.h"

#include <fmt/core.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <thread>
#include <utility>
#include <vector>

#include "base/cpu.h"
#include "guard/guard_impl.h"

namespace gatehouse::cli {
namespace {

using Clock = std::chrono::steady_clock;

double SecondsSince(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

// A message that no other number has the beginning of.
Conversation Message(int number, int words) {
  static const char* const kWords[] = {"river", "table", "green", "seven",
                                       "cloud", "paper", "stone", "light"};
  std::string text = "Message " + std::to_string(number) + ":";
  for (int i = 0; i < words; ++i) text += std::string(" ") + kWords[(number * 31 + i * 7 + i / 8) % 8];
  Conversation out;
  out.AddUser(std::move(text));
  return out;
}

// The value that a share of all does not exceed.
double Quantile(std::vector<double> values, double share) {
  std::sort(values.begin(), values.end());
  const auto at = static_cast<size_t>(share * static_cast<double>(values.size()));
  return values[std::min(at, values.size() - 1)];
}

double Median(std::vector<double> values) { return Quantile(std::move(values), 0.5); }

// Tokens a second of reading texts of 256 tokens that nobody has seen, without a verdict.
Result<double> PrefillRate(const Guard& guard, int rounds) {
  constexpr int32_t kTokens = 256;
  Engine& engine = *guard.impl().engine;
  std::vector<double> seconds;
  for (int round = 0; round <= rounds; ++round) {
    TokenInput input;
    for (int32_t i = 0; i < kTokens; ++i) input.ids.push_back((i * 7919 + round * 104729) % 20000 + 100);
    Sequence sequence = engine.NewSequence();
    const Clock::time_point begin = Clock::now();
    GATEHOUSE_TRY(engine.Run(sequence, input, {}));
    if (round > 0) seconds.push_back(SecondsSince(begin));
  }
  return kTokens / Median(seconds);
}

}  // namespace

Result<void> BenchRequest(const BenchRequestOptions& options) {
  GATEHOUSE_ASSIGN(const Guard guard, Guard::Load(options.guard));
  const Clock::time_point begin = Clock::now();
  GATEHOUSE_TRY(guard.Classify(Message(0, options.words)));
  const double cold = SecondsSince(begin);
  std::vector<double> seconds, prefill, decode;
  int computed = 0;
  for (int round = 1; round <= options.rounds; ++round) {
    const Clock::time_point start = Clock::now();
    GATEHOUSE_ASSIGN(const Verdict verdict, guard.Classify(Message(round, options.words)));
    seconds.push_back(SecondsSince(start));
    prefill.push_back(verdict.timings.prefill);
    decode.push_back(verdict.timings.decode);
    computed = verdict.usage.prompt_tokens - verdict.usage.cached_tokens;
  }
  if (options.json) {
    fmt::print(
        "{{\"bench\":\"request\",\"model\":\"{}\",\"kernel\":\"{}\",\"cold_ms\":{:.2f},\"warm_ms\":{:.2f},"
        "\"prefill_ms\":{:.2f},\"decode_ms\":{:.2f},\"new_tokens\":{}}}\n",
        guard.model_name(), guard.backend_description(), cold * 1e3, Median(seconds) * 1e3, Median(prefill),
        Median(decode), computed);
  } else {
    fmt::print("a request to {}\n{}; {}\n", guard.model_name(), CpuModelName(), guard.backend_description());
    fmt::print("  cold       {:9.2f} ms\n  warm       {:9.2f} ms (median of {}; {} new tokens)\n", cold * 1e3,
               Median(seconds) * 1e3, options.rounds, computed);
    fmt::print("    prefill  {:9.2f} ms\n    scoring  {:9.2f} ms\n", Median(prefill), Median(decode));
  }
  return {};
}

Result<void> BenchBatch(const BenchRequestOptions& options) {
  GATEHOUSE_ASSIGN(const Guard guard, Guard::Load(options.guard));
  GATEHOUSE_TRY(guard.Classify(Message(0, options.words)));
  std::atomic<int> next{1};
  std::atomic<int64_t> tokens{0};
  std::atomic<bool> failed{false};
  const auto ask = [&](int requests) {
    for (int i = 0; i < requests; ++i) {
      const auto verdict = guard.Classify(Message(next++, options.words));
      failed = failed || !verdict.ok();
      if (verdict.ok()) tokens += verdict->usage.prompt_tokens - verdict->usage.cached_tokens;
    }
  };
  Scheduler& scheduler = guard.impl().engine->scheduler();
  struct Rate {
    double requests, tokens, rows;  // a second
  };
  const auto rate = [&](int clients, int requests) -> Rate {
    tokens = 0;
    const int64_t rows = scheduler.stats().rows;
    const Clock::time_point begin = Clock::now();
    std::vector<std::thread> threads;
    threads.reserve(static_cast<size_t>(clients));
    for (int i = 0; i < clients; ++i) threads.emplace_back(ask, requests);
    for (std::thread& thread : threads) thread.join();
    const double seconds = SecondsSince(begin);
    return {static_cast<double>(clients * requests) / seconds, static_cast<double>(tokens) / seconds,
            static_cast<double>(scheduler.stats().rows - rows) / seconds};
  };
  const int each = std::max(1, options.rounds / 5);
  GATEHOUSE_ASSIGN(const double before, PrefillRate(guard, 9));
  const Rate alone = rate(1, options.rounds);
  const Rate batch = rate(options.clients, each);
  GATEHOUSE_ASSIGN(const double after, PrefillRate(guard, 9));
  const double prefill = std::max(before, after);  // of the two the one that was disturbed less
  if (failed) return Error{ErrorCode::kInternal, "a request failed", "bench batch", {}, {}};
  if (options.json) {
    fmt::print(
        "{{\"bench\":\"batch\",\"model\":\"{}\",\"kernel\":\"{}\",\"clients\":{},\"requests_per_s\":{:.2f},"
        "\"tokens_per_s\":{:.1f},\"rows_per_s\":{:.1f},\"alone_requests_per_s\":{:.2f},"
        "\"alone_tokens_per_s\":{:.1f},\"prefill_256_tokens_per_s\":{:.1f}}}\n",
        guard.model_name(), guard.backend_description(), options.clients, batch.requests, batch.tokens,
        batch.rows, alone.requests, alone.tokens, prefill);
  } else {
    fmt::print("requests to {}\n{}; {}\n", guard.model_name(), CpuModelName(), guard.backend_description());
    fmt::print("  1 client     {:8.2f} requests/s  {:9.1f} new tokens/s, {:9.1f} with those of the scores\n",
               alone.requests, alone.tokens, alone.rows);
    fmt::print(
        "  {:<3} clients  {:8.2f} requests/s  {:9.1f} new tokens/s, {:9.1f} with those of the scores\n",
        options.clients, batch.requests, batch.tokens, batch.rows);
    fmt::print(
        "  256 tokens of plain text          {:9.1f} tokens/s; {} clients: {:.2f} of it, {:.2f} with those "
        "of the scores\n",
        prefill, options.clients, batch.tokens / prefill, batch.rows / prefill);
  }
  return {};
}

Result<void> BenchMixed(const BenchRequestOptions& options) {
  GATEHOUSE_ASSIGN(const Guard guard, Guard::Load(options.guard));
  GATEHOUSE_TRY(guard.Classify(Message(0, options.words)));
  int next = 1;
  const auto ask = [&](std::vector<double>* seconds) -> Result<void> {
    for (int i = 0; i < options.rounds; ++i) {
      const Clock::time_point begin = Clock::now();
      GATEHOUSE_TRY(guard.Classify(Message(next++, options.words)));
      seconds->push_back(SecondsSince(begin));
    }
    return {};
  };
  std::vector<double> alone, beside;
  GATEHOUSE_TRY(ask(&alone));

  std::atomic<bool> stop{false}, failed{false};
  const Clock::time_point begin_alone = Clock::now();
  GATEHOUSE_ASSIGN(const Verdict first, guard.Classify(Message(1'000'000, options.long_words)));
  const int long_tokens = first.usage.prompt_tokens;
  const double long_alone = long_tokens / SecondsSince(begin_alone);
  const int64_t rows = guard.impl().engine->scheduler().stats().rows;
  std::thread client([&] {
    ClassifyOptions until_stopped;
    until_stopped.cancelled = &stop;
    for (int number = 1'000'001; !stop; ++number) {
      const auto verdict = guard.Classify(Message(number, options.long_words), until_stopped);
      failed = failed || (!verdict.ok() && !stop);
    }
  });
  const Clock::time_point begin = Clock::now();
  const Result<void> asked = ask(&beside);
  const double seconds = SecondsSince(begin);
  const int64_t all_rows = guard.impl().engine->scheduler().stats().rows - rows;
  stop = true;
  client.join();
  GATEHOUSE_TRY(asked);
  if (failed) return Error{ErrorCode::kInternal, "a long request failed", "bench mixed", {}, {}};

  const double p99_alone = Quantile(alone, 0.99) * 1e3, p99_beside = Quantile(beside, 0.99) * 1e3;
  if (options.json) {
    fmt::print(
        "{{\"bench\":\"mixed\",\"model\":\"{}\",\"kernel\":\"{}\",\"alone_p50_ms\":{:.2f},"
        "\"alone_p99_ms\":{:.2f},\"beside_p50_ms\":{:.2f},\"beside_p99_ms\":{:.2f},\"ratio_p99\":{:.3f},"
        "\"long_tokens\":{},\"long_alone_tokens_per_s\":{:.1f},\"both_rows_per_s\":{:.1f}}}\n",
        guard.model_name(), guard.backend_description(), Median(alone) * 1e3, p99_alone, Median(beside) * 1e3,
        p99_beside, p99_beside / p99_alone, long_tokens, long_alone, static_cast<double>(all_rows) / seconds);
  } else {
    fmt::print("short requests to {}, alone and beside long ones of {} tokens\n{}; {}\n", guard.model_name(),
               long_tokens, CpuModelName(), guard.backend_description());
    fmt::print("  alone   median {:8.2f} ms  p99 {:8.2f} ms ({} requests)\n", Median(alone) * 1e3, p99_alone,
               options.rounds);
    fmt::print("  beside  median {:8.2f} ms  p99 {:8.2f} ms: p99 {:.2f} times as long\n",
               Median(beside) * 1e3, p99_beside, p99_beside / p99_alone);
    fmt::print("  a long one alone {:9.1f} tokens/s; both together {:9.1f} rows/s\n", long_alone,
               static_cast<double>(all_rows) / seconds);
  }
  return {};
}

}  // namespace gatehouse::cli

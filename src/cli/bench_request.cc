#include "cli/bench_request.h"

#include <fmt/core.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

#include "base/cpu.h"

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

double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
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
  const auto rate = [&](int clients, int requests) {
    tokens = 0;
    const Clock::time_point begin = Clock::now();
    std::vector<std::thread> threads;
    threads.reserve(static_cast<size_t>(clients));
    for (int i = 0; i < clients; ++i) threads.emplace_back(ask, requests);
    for (std::thread& thread : threads) thread.join();
    const double seconds = SecondsSince(begin);
    return std::pair(static_cast<double>(clients * requests) / seconds,
                     static_cast<double>(tokens) / seconds);
  };
  const int each = std::max(1, options.rounds / 5);
  const auto [alone_requests, alone_tokens] = rate(1, options.rounds);
  const auto [batch_requests, batch_tokens] = rate(options.clients, each);
  if (failed) return Error{ErrorCode::kInternal, "a request failed", "bench batch", {}, {}};
  if (options.json) {
    fmt::print(
        "{{\"bench\":\"batch\",\"model\":\"{}\",\"kernel\":\"{}\",\"clients\":{},\"requests_per_s\":{:.2f},"
        "\"tokens_per_s\":{:.1f},\"alone_requests_per_s\":{:.2f},\"alone_tokens_per_s\":{:.1f}}}\n",
        guard.model_name(), guard.backend_description(), options.clients, batch_requests, batch_tokens,
        alone_requests, alone_tokens);
  } else {
    fmt::print("requests to {}\n{}; {}\n", guard.model_name(), CpuModelName(), guard.backend_description());
    fmt::print("  1 client     {:8.2f} requests/s  {:9.1f} new tokens/s\n", alone_requests, alone_tokens);
    fmt::print("  {:<3} clients  {:8.2f} requests/s  {:9.1f} new tokens/s\n", options.clients, batch_requests,
               batch_tokens);
  }
  return {};
}

}  // namespace gatehouse::cli

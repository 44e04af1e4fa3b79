#include "server/metrics.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <mutex>

#include "guard/guard_stats.h"
#include "server/routes.h"

namespace gatehouse::server {
namespace {

using prometheus::BuildCounter;
using prometheus::BuildGauge;
using prometheus::Counter;
using prometheus::Family;
using prometheus::Gauge;
using prometheus::Histogram;

// A verdict of a small model takes milliseconds, one of a large one behind a queue half a minute.
const Histogram::BucketBoundaries kSeconds = {0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2,
                                              0.5,   1,     2,     5,    10,   20,   30};

std::string FirstCategory(const Verdict& verdict, const Policy& policy) {
  if (verdict.categories.empty()) return verdict.unsafe ? "none" : "safe";
  const std::string& first = verdict.categories.front();
  const bool known = first == "unknown" || std::any_of(policy.categories.begin(), policy.categories.end(),
                                                       [&](const Category& c) { return c.key == first; });
  return known ? first : "other";
}

}  // namespace

struct Metrics::Families {
  Counter& Count(const char* name, const char* help) {
    return BuildCounter().Name(name).Help(help).Register(registry).Add({});
  }
  prometheus::Registry registry;
  Family<Counter>& requests =
      BuildCounter().Name("gatehouse_requests_total").Help("Requests by path and status").Register(registry);
  Family<Counter>& key_requests = BuildCounter()
                                      .Name("gatehouse_key_requests_total")
                                      .Help("Requests by the name of their key and status")
                                      .Register(registry);
  Family<Histogram>& seconds = prometheus::BuildHistogram()
                                   .Name("gatehouse_request_seconds")
                                   .Help("Time from a request's head to the end of its answer")
                                   .Register(registry);
  Family<Counter>& verdicts = BuildCounter()
                                  .Name("gatehouse_verdicts_total")
                                  .Help("Verdicts by first category, side and decision")
                                  .Register(registry);
  Family<Counter>& upstream = BuildCounter()
                                  .Name("gatehouse_upstream_total")
                                  .Help("Calls of the upstream by what came of them")
                                  .Register(registry);
  Family<Counter>& fail_open = BuildCounter()
                                   .Name("gatehouse_fail_open_total")
                                   .Help("What went on unjudged because the guard failed, by side")
                                   .Register(registry);
  Gauge& waiting = BuildGauge()
                       .Name("gatehouse_waiting_tokens")
                       .Help("Tokens of requests that were taken and are not computed yet")
                       .Register(registry)
                       .Add({});
  Counter& passes = Count("gatehouse_passes_total", "Passes of the network");
  Counter& rows = Count("gatehouse_pass_rows_total", "Rows of them: the size of batches");
  Counter& texts = Count("gatehouse_pass_texts_total", "Texts in them: a pass that is shared counts each");
  Counter& prompt_tokens = Count("gatehouse_prompt_tokens_total", "Tokens of prompts that were judged");
  Counter& cached_tokens = Count("gatehouse_cached_tokens_total", "Those of them that were known before");
  Counter& dropped_lines =
      Count("gatehouse_log_lines_dropped_total", "Lines of the log that nobody took in time");
  std::mutex mutex;  // of what follows: what the counters above were told
  GuardStats told;
  int64_t told_lines = 0;
};

Metrics::Metrics() : families_(std::make_unique<Families>()) {}
Metrics::~Metrics() = default;

void Metrics::OnEnd(const Exchange& exchange) {
  const bool known = exchange.request != nullptr && exchange.request->route < kRoutes.size();
  const std::string path(known ? kRoutes[exchange.request->route].path : "other");
  const std::string status = exchange.status == 0 ? "left" : std::to_string(exchange.status);
  families_->requests.Add({{"path", path}, {"status", status}}).Increment();
  if (!known) return;
  families_->seconds.Add({{"path", path}}, kSeconds).Observe(exchange.seconds);
  if (!exchange.request->client.empty())
    families_->key_requests.Add({{"key", exchange.request->client}, {"status", status}}).Increment();
}

void Metrics::OnUpstream(const std::string& outcome) {
  families_->upstream.Add({{"outcome", outcome}}).Increment();
}

void Metrics::OnVerdict(const Verdict& verdict, const Policy& policy, std::string_view decision) {
  if (decision.empty()) decision = verdict.unsafe ? "flag" : "pass";
  families_->verdicts
      .Add({{"category", FirstCategory(verdict, policy)},
            {"side", verdict.role == Role::kUser ? "input" : "output"},
            {"decision", std::string(decision)}})
      .Increment();
  families_->prompt_tokens.Increment(verdict.usage.prompt_tokens);
  families_->cached_tokens.Increment(verdict.usage.cached_tokens);
}

void Metrics::OnFailOpen(const char* side) { families_->fail_open.Add({{"side", side}}).Increment(); }

std::string Metrics::Text(const Guard* guard, int64_t dropped_lines) const {
  Families& own = *families_;
  const std::lock_guard lock(own.mutex);
  // Of two that ask at once the later may have counted before.
  const int64_t more_lines = std::max<int64_t>(0, dropped_lines - own.told_lines);
  own.dropped_lines.Increment(static_cast<double>(more_lines));
  own.told_lines += more_lines;
  if (guard != nullptr) {
    const GuardStats now = StatsOf(*guard);
    own.passes.Increment(static_cast<double>(now.passes - own.told.passes));
    own.rows.Increment(static_cast<double>(now.rows - own.told.rows));
    own.texts.Increment(static_cast<double>(now.texts - own.told.texts));
    own.waiting.Set(static_cast<double>(now.waiting_tokens));
    own.told = now;
  }
  return prometheus::TextSerializer().Serialize(families_->registry.Collect());
}

}  // namespace gatehouse::server

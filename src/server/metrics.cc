#include "server/metrics.h"

#include <prometheus/counter.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <algorithm>

#include "server/routes.h"

namespace gatehouse::server {
namespace {

using prometheus::BuildCounter;
using prometheus::Counter;
using prometheus::Family;
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
  Counter& prompt_tokens = BuildCounter()
                               .Name("gatehouse_prompt_tokens_total")
                               .Help("Tokens of prompts that were judged")
                               .Register(registry)
                               .Add({});
  Counter& cached_tokens = BuildCounter()
                               .Name("gatehouse_cached_tokens_total")
                               .Help("Those of them that were known before")
                               .Register(registry)
                               .Add({});
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

std::string Metrics::Text() const {
  return prometheus::TextSerializer().Serialize(families_->registry.Collect());
}

}  // namespace gatehouse::server

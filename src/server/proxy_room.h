// What the requests of a proxy share, and how they speak of its upstream.
#pragma once

#include "server/http/outgoing.h"
#include "server/log.h"
#include "server/metrics.h"
#include "server/proxy_settings.h"

namespace gatehouse::server {

// Outlives them.
struct ProxyRoom {
  Outgoing& loop;
  const ProxySettings& settings;
  Metrics& metrics;
  RequestLog& log;
};

// A request on its way, of the loop's thread.
class OnItsWay {
 public:
  virtual ~OnItsWay() = default;
  virtual void Leave() = 0;  // nobody wants it any more
};

// An upstream's failure as a client sees it: 504, or 502.
Response UpstreamFailure(const Error& error);
// What of its head the client may see.
Headers HeadersForClient(const OutgoingHead& head);

// Told to a client where something went on without a verdict: "input, output-parts".
inline constexpr char kUnjudgedHeader[] = "X-Gatehouse-Unjudged";
std::string UnjudgedHeader(const std::vector<std::string>& unjudged);

}  // namespace gatehouse::server

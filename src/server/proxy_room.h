// What the requests of a proxy share, and how they speak of its upstream.
#pragma once

#include "server/http/outgoing.h"
#include "server/metrics.h"
#include "server/proxy_settings.h"

namespace gatehouse::server {

// Outlives them.
struct ProxyRoom {
  Outgoing& loop;
  const ProxySettings& settings;
  Metrics& metrics;
};

// An upstream's failure as a client sees it: 504, or 502.
Response UpstreamFailure(const Error& error);
// What of its head the client may see.
Headers HeadersForClient(const OutgoingHead& head);

}  // namespace gatehouse::server

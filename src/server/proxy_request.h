// A request for another model, as the filter sees it: what of it is judged, what goes on upstream.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "gatehouse/conversation.h"
#include "gatehouse/result.h"
#include "gatehouse/thresholds.h"
#include "server/decision.h"
#include "server/http/message.h"
#include "server/proxy_settings.h"

namespace gatehouse::server {

struct ProxyRequest {
  std::string body;  // as it came, less `moderation` and `guard`
  std::string model;
  bool stream = false;
  int64_t choices = 1;            // `n`
  bool wants_moderation = false;  // it has that member
  Asks input = Asks::kNothing, output = Asks::kNothing;
  Conversation conversation;             // all of it; empty where nothing of it is judged
  std::vector<Conversation> inputs;      // to judge before the upstream is called
  bool prefill = false;                  // it ends with an answer's beginning
  std::optional<Thresholds> thresholds;  // the client's, beside the policy's: the lower one counts
  std::vector<std::string> left_out;     // places of what cannot be judged, where it goes on
};

// The member `model` of a body, empty where there is none. The body may be no JSON at all.
std::string ModelNamedIn(const std::string& body);

// Errors: kBadInput, naming the member: what cannot be read or judged.
Result<ProxyRequest> ReadProxyRequest(const Request& request, const ProxySettings& settings,
                                      size_t max_image_bytes);

// Headers for the upstream: those of the client that it may see, and how we speak with it.
Headers UpstreamHeaders(const Request& request, const ProxySettings& settings);
// The same where nothing is judged: body and answer may be of any type.
Headers PassedHeaders(const Request& request, const ProxySettings& settings);

}  // namespace gatehouse::server

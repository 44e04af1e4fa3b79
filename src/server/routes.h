// Which paths there are, what method and right each takes, and who may see it. Paths match exactly.
//
//   const size_t route = FindRoute("/v1/moderations");
//   if (route == kNoRoute) ...
//   kRoutes[route].right
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

#include "server/keys.h"

namespace gatehouse::server {

enum class Surface { kHealth, kReady, kVersion, kModerations, kChat, kModels, kLiteLlm, kMetrics };

struct Route {
  std::string_view method, path;
  Surface surface;
  bool is_public = false;  // without a key; those below need one where there are keys
  Right right = Right::kModerate;
  bool needs_guard = true;  // 503 until it is there
};

inline constexpr std::array kRoutes = {
    Route{"GET", "/health", Surface::kHealth, true, Right::kModerate, false},
    Route{"GET", "/ready", Surface::kReady, true, Right::kModerate, false},
    Route{"GET", "/version", Surface::kVersion, true, Right::kModerate, false},
    Route{"POST", "/v1/moderations", Surface::kModerations},
    Route{"POST", "/v1/chat/completions", Surface::kChat},
    Route{"GET", "/v1/models", Surface::kModels},
    Route{"GET", "/metrics", Surface::kMetrics, false, Right::kMetrics, false},
    Route{"POST", "/beta/litellm_basic_guardrail_api", Surface::kLiteLlm},
};

inline constexpr size_t kNoRoute = kRoutes.size();

inline size_t FindRoute(std::string_view path) {
  size_t at = 0;
  while (at < kRoutes.size() && kRoutes[at].path != path) ++at;
  return at;
}

}  // namespace gatehouse::server

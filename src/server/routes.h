// Which paths there are, what method and right each takes, and who may see it. Paths match exactly, but where
// a name ends them. openapi.json describes the same.
//
//   const size_t route = FindRoute("/v1/moderations");
//   if (route == kNoRoute) ...
//   kRoutes[route].right
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <string_view>

#include "server/keys.h"

namespace gatehouse::server {

enum class Surface {
  kHealth,
  kReady,
  kVersion,
  kOpenApi,
  kModerations,
  kChat,
  kCompletions,
  kModels,
  kModel,
  kTokenize,
  kLiteLlm,
  kMetrics,
  kPassed
};

struct Route {
  std::string_view method, path;
  Surface surface;
  bool is_public = false;  // without a key; those below need one where there are keys
  Right right = Right::kModerate;
  bool needs_guard = true;  // 503 until it is there
  bool is_prefix = false;   // of paths that end with a name
};

inline constexpr std::array kRoutes = {
    Route{"GET", "/health", Surface::kHealth, true, Right::kModerate, false},
    Route{"GET", "/ready", Surface::kReady, true, Right::kModerate, false},
    Route{"GET", "/version", Surface::kVersion, true, Right::kModerate, false},
    Route{"GET", "/openapi.json", Surface::kOpenApi, true, Right::kModerate, false},
    Route{"POST", "/v1/moderations", Surface::kModerations},
    Route{"POST", "/v1/chat/completions", Surface::kChat},
    Route{"POST", "/v1/completions", Surface::kCompletions, false, Right::kRawPrompt},
    Route{"GET", "/v1/models", Surface::kModels},
    Route{"GET", "/v1/models/", Surface::kModel, false, Right::kModerate, true, true},
    Route{"POST", "/tokenize", Surface::kTokenize},
    Route{"GET", "/metrics", Surface::kMetrics, false, Right::kMetrics, false},
    Route{"POST", "/beta/litellm_basic_guardrail_api", Surface::kLiteLlm},
    // Of --pass: any method, any path that was given there; its name in figures.
    Route{"", "(passed)", Surface::kPassed, false, Right::kProxy},
};
inline constexpr size_t kPassedRoute = kRoutes.size() - 1;

inline constexpr size_t kNoRoute = kRoutes.size();

inline size_t FindRoute(std::string_view path) {
  const auto leads_there = [&](const Route& route) {
    return route.is_prefix ? path.size() > route.path.size() && path.starts_with(route.path)
                           : path == route.path;
  };
  const auto at =
      static_cast<size_t>(std::find_if(kRoutes.begin(), kRoutes.end(), leads_there) - kRoutes.begin());
  return at == kPassedRoute ? kNoRoute : at;
}

}  // namespace gatehouse::server

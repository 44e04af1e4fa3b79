// Pages of the gateway that judge nothing.
#include <algorithm>
#include <chrono>
#include <string>
#include <vector>

#include "formats/json_object.h"
#include "server/chat.h"
#include "server/client.h"
#include "server/gateway.h"
#include "server/openapi.h"

namespace gatehouse::server {

Response Gateway::Answer(const Request& request, const Route& route) const {
  if (route.surface == Surface::kVersion)
    return JsonResponse(200, JsonObject().Add("version", options_.version).Text());
  if (route.surface == Surface::kOpenApi) return JsonResponse(200, kOpenApi);
  if (route.surface == Surface::kMetrics)
    return {200,
            {{"Content-Type", "text/plain; version=0.0.4; charset=utf-8"}},
            metrics_.Text(guard().get(), log_.dropped())};
  if (auto not_ready = NotReady()) return *not_ready;
  if (route.surface == Surface::kModels || route.surface == Surface::kModel) return Models(request, route);
  return JsonResponse(200, JsonObject().Add("status", "ok").Text());
}

Response Gateway::Models(const Request& request, const Route& route) const {
  const auto created = std::chrono::duration_cast<std::chrono::seconds>(began_.time_since_epoch()).count();
  const std::vector<std::string> names = ServedNames(state());
  if (!route.is_prefix) return ModelList(names, created);
  const std::string name = PercentDecoded(std::string_view(request.path).substr(route.path.size()));
  if (std::find(names.begin(), names.end(), name) == names.end())
    return ErrorResponse(404, "there is no model of that name", "model_not_found", "model");
  return OneModel(name, created);
}

std::vector<std::string> Gateway::ServedNames(const State& state) const {
  if (!options_.served_names.empty()) return options_.served_names;
  return {state.guard == nullptr ? "guard" : state.guard->model_name()};
}

}  // namespace gatehouse::server

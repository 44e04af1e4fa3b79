// The description that clients read names what there is, and nothing else.
#include "server/openapi.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <string>

#include "server/routes.h"

namespace gatehouse::server {
namespace {

using nlohmann::json;

std::string Small(std::string_view method) { return method == "GET" ? "get" : "post"; }

TEST(OpenApi, DescribesEveryRouteAndNoOther) {
  const json document = json::parse(kOpenApi);
  std::set<std::string> described, there;
  for (const auto& [path, operations] : document["paths"].items()) {
    for (const auto& [method, operation] : operations.items()) described.insert(method + " " + path);
  }
  for (const Route& route : kRoutes) {
    if (route.surface == Surface::kPassed) continue;  // the upstream's
    there.insert(Small(route.method) + " " + std::string(route.path) + (route.is_prefix ? "{id}" : ""));
  }
  EXPECT_EQ(described, there);
}

TEST(OpenApi, SaysWhatNeedsAKeyAndABody) {
  const json document = json::parse(kOpenApi);
  for (const Route& route : kRoutes) {
    if (route.surface == Surface::kPassed) continue;
    const std::string path = std::string(route.path) + (route.is_prefix ? "{id}" : "");
    SCOPED_TRACE(path);
    const json& operation = document["paths"][path][Small(route.method)];
    EXPECT_EQ(operation.contains("security"), route.is_public);  // of its own: none
    EXPECT_EQ(operation["responses"].contains("401"), !route.is_public);
    EXPECT_EQ(operation.contains("requestBody"), route.method == "POST");
    EXPECT_EQ(operation["responses"].contains("415"), route.method == "POST");
  }
}

TEST(OpenApi, EveryReferenceLeadsSomewhere) {
  const json document = json::parse(kOpenApi);
  int count = 0;
  const json flat = document.flatten();
  for (const auto& [where, value] : flat.items()) {
    if (!where.ends_with("/$ref")) continue;
    const auto target = value.get<std::string>();
    ASSERT_TRUE(target.starts_with("#/")) << target;
    EXPECT_TRUE(document.contains(json::json_pointer(target.substr(1)))) << target;
    ++count;
  }
  EXPECT_GT(count, 100);
}

}  // namespace
}  // namespace gatehouse::server

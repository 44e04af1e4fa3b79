#include "formats/json_object.h"

#include "formats/json.h"

namespace gatehouse {

struct JsonObject::Members {
  Json json = Json::object();
};

JsonObject::JsonObject() : members_(std::make_unique<Members>()) {}
JsonObject::JsonObject(JsonObject&&) noexcept = default;
JsonObject::~JsonObject() = default;

JsonObject& JsonObject::Add(const char* key, std::string_view text) {
  members_->json[key] = text;
  return *this;
}

JsonObject& JsonObject::Add(const char* key, double number) {
  members_->json[key] = number;
  return *this;
}

JsonObject& JsonObject::Add(const char* key, const JsonObject& object) {
  members_->json[key] = object.members_->json;
  return *this;
}

JsonObject& JsonObject::AddBool(const char* key, bool value) {
  members_->json[key] = value;
  return *this;
}

JsonObject& JsonObject::AddInt(const char* key, int64_t value) {
  members_->json[key] = value;
  return *this;
}

JsonObject& JsonObject::AddInts(const char* key, const std::vector<int64_t>& values) {
  members_->json[key] = values;
  return *this;
}

JsonObject& JsonObject::AddRounded(const char* key, double number, int decimals) {
  members_->json[key] = JsonWithDecimals(number, decimals);
  return *this;
}

std::string JsonObject::Text() const { return ShortFigures(JsonLine(members_->json)); }

}  // namespace gatehouse

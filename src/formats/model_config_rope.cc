// Rotary settings of config.json. The same things are written in two places: rope_scaling with rope_theta
// beside it, and since transformers 5 rope_parameters with everything in it; files of the time between hold
// both.
#include <cmath>
#include <map>

#include "base/error.h"
#include "base/log.h"
#include "formats/model_config_parts.h"

namespace gatehouse {
namespace {

constexpr const char* kOld = "rope_scaling";
constexpr const char* kNew = "rope_parameters";

// An object with something in it, or null: absent, null and {} are the same to transformers.
Result<const Json*> FilledObject(const JsonFields& fields, const char* key) {
  const Json* value = fields.Find(key);
  if (value == nullptr || value->is_null()) return static_cast<const Json*>(nullptr);
  if (!value->is_object())
    return ModelError("bad value", fields.Where(key), "an object or null", value->type_name());
  for (const auto& [name, member] : value->items()) {
    if (member.is_object())
      return ModelError("not supported", fields.Where(key) + ", " + name,
                        "settings that are the same for every layer", "an object");
  }
  return value->empty() ? nullptr : value;
}

bool Filled(const JsonFields& fields, const char* key) { return fields.Has(key) && !fields.IsNull(key); }

// The kind of scaling: rope_type, formerly type.
Result<std::string> TypeOf(const JsonFields& rope) {
  const bool is_new = Filled(rope, "rope_type"), is_old = Filled(rope, "type");
  std::string type = "default";
  if (is_old) {
    GATEHOUSE_ASSIGN(type, rope.String("type", std::nullopt));
  }
  if (is_new) {
    GATEHOUSE_ASSIGN(const std::string newer, rope.String("rope_type", std::nullopt));
    // Versions of transformers differ in which of them counts.
    if (is_old && newer != type)
      return ModelError("two kinds of scaling", rope.Where("rope_type"), "that of type, '" + type + "'",
                        "'" + newer.substr(0, 80) + "'");
    type = newer;
  }
  if (is_new || is_old) return type;
  for (const char* key : {"factor", "low_freq_factor", "high_freq_factor"}) {
    if (Filled(rope, key))
      return ModelError("field missing", rope.Where("rope_type"),
                        std::string("a kind of scaling, since there is ") + key, "nothing");
  }
  return type;
}

// All that an object says, by one spelling, to compare it with another's.
Result<std::map<std::string, Json>> Settings(const JsonFields& rope, const Json& object, double theta) {
  std::map<std::string, Json> out;
  for (const auto& [key, value] : object.items()) {
    if (key != "type" && !value.is_null()) out[key] = value;
  }
  GATEHOUSE_ASSIGN(out["rope_type"], TypeOf(rope));
  GATEHOUSE_ASSIGN(out["rope_theta"], rope.Number("rope_theta", theta, 1.0, 1e12));
  return out;
}

Result<void> ReadScaling(const JsonFields& rope, ModelConfig* config) {
  GATEHOUSE_ASSIGN(const std::string type, TypeOf(rope));
  if (type == "default") return {};
  if (type == "linear") {
    config->rope.kind = RopeScaling::Kind::kLinear;
    GATEHOUSE_ASSIGN(config->rope.factor, rope.Number("factor", std::nullopt, 1e-3, 1e6));
    return {};
  }
  if (type != "llama3") {
    return ModelError("unknown rope scaling", rope.Where(rope.Has("rope_type") ? "rope_type" : "type"),
                      "default, linear or llama3", "'" + type.substr(0, 80) + "'");
  }
  config->rope.kind = RopeScaling::Kind::kLlama3;
  GATEHOUSE_ASSIGN(config->rope.factor, rope.Number("factor", std::nullopt, 1e-3, 1e6));
  GATEHOUSE_ASSIGN(config->rope.low_freq_factor, rope.Number("low_freq_factor", std::nullopt, 1e-3, 1e6));
  GATEHOUSE_ASSIGN(config->rope.high_freq_factor, rope.Number("high_freq_factor", std::nullopt, 1e-3, 1e6));
  if (config->rope.high_freq_factor < config->rope.low_freq_factor)
    return ModelError("bad value", rope.Where("high_freq_factor"), "at least low_freq_factor",
                      std::to_string(config->rope.high_freq_factor));
  GATEHOUSE_ASSIGN(config->rope.original_max_position,
                   rope.Int64("original_max_position_embeddings", std::nullopt, 1, int64_t{1} << 32));
  return {};
}

Result<void> RequireWhole(const JsonFields& fields) {
  if (!Filled(fields, "partial_rotary_factor")) return {};
  GATEHOUSE_ASSIGN(const double partial, fields.Number("partial_rotary_factor", 1.0, 0.0, 1.0));
  if (partial == 1.0) return {};
  return ModelError("not supported", fields.Where("partial_rotary_factor"), "1", std::to_string(partial));
}

// Both spellings hold something: transformers takes the old object whole, whatever the new one says.
Result<void> CompareSpellings(const JsonFields& fields, const Json& old_object, const Json& new_object,
                              double outer_theta) {
  const JsonFields older(old_object, fields.Where(kOld)), newer(new_object, fields.Where(kNew));
  GATEHOUSE_ASSIGN(const auto taken, Settings(older, old_object, outer_theta));
  GATEHOUSE_ASSIGN(const auto left, Settings(newer, new_object, outer_theta));
  // With the base in the new object alone, transformers would fall back to its class's.
  if (!Filled(older, "rope_theta") && !Filled(fields, "rope_theta") &&
      left.at("rope_theta") != taken.at("rope_theta")) {
    return ModelError(
        "two rotary bases", newer.Where("rope_theta"),
        "rope_theta beside rope_scaling too: without it " + taken.at("rope_theta").dump() + " holds there",
        left.at("rope_theta").dump());
  }
  for (const auto* side : {&taken, &left}) {
    for (const auto& [key, value] : *side) {
      const auto& other = side == &taken ? left : taken;
      const auto found = other.find(key);
      if (found != other.end() && found->second == value) continue;
      Log(LogLevel::kWarn, fields.where() + ": rope_scaling and rope_parameters differ in " + key +
                               "; rope_scaling counts, as in transformers");
      return {};
    }
  }
  return {};
}

}  // namespace

Result<void> ParseRope(const JsonFields& fields, double default_theta, ModelConfig* config) {
  GATEHOUSE_ASSIGN(const Json* old_object, FilledObject(fields, kOld));
  GATEHOUSE_ASSIGN(const Json* new_object, FilledObject(fields, kNew));
  GATEHOUSE_TRY(RequireWhole(fields));
  GATEHOUSE_ASSIGN(const double outer_theta, fields.Number("rope_theta", default_theta, 1.0, 1e12));
  config->rope_theta = outer_theta;
  config->rope = {};
  if (old_object != nullptr && new_object != nullptr) {
    GATEHOUSE_TRY(CompareSpellings(fields, *old_object, *new_object, outer_theta));
  }
  const Json* object = old_object != nullptr ? old_object : new_object;
  if (object == nullptr) return {};

  const JsonFields rope(*object, fields.Where(old_object != nullptr ? kOld : kNew));
  GATEHOUSE_ASSIGN(config->rope_theta, rope.Number("rope_theta", outer_theta, 1.0, 1e12));
  if (Filled(fields, "rope_theta") && config->rope_theta != outer_theta) {
    Log(LogLevel::kWarn, rope.Where("rope_theta") +
                             " and the one beside it differ; the inner one counts, as in "
                             "transformers");
  }
  GATEHOUSE_TRY(RequireWhole(rope));
  return ReadScaling(rope, config);
}

Result<void> RefuseOuterRope(const JsonFields& top, const JsonFields& text) {
  for (const char* key : {kOld, kNew, "rope_theta"}) {
    const Json* outer = top.Find(key);
    if (outer == nullptr || outer->is_null() || (outer->is_object() && outer->empty())) continue;
    const Json* inner = text.Find(key);
    if (inner != nullptr && *inner == *outer) continue;
    return ModelError("rotary settings outside text_config", top.Where(key),
                      "the same in text_config, where they count", outer->dump().substr(0, 80));
  }
  return {};
}

}  // namespace gatehouse

#include "train/run/train_config.h"

#include <algorithm>
#include <functional>
#include <limits>
#include <map>

#include "base/error.h"
#include "formats/json.h"

namespace gatehouse::train {
namespace {

constexpr double kMuch = 1e15;

// Members of one object: each that is known reads itself.
class Members {
 public:
  using Read = std::function<Result<void>(const Json& value, const std::string& where)>;

  Members& Take(const char* name, Read read) {
    reads_.emplace(name, std::move(read));
    return *this;
  }
  template <typename T>
  Members& Number(const char* name, T* to, double low, double high) {
    return Take(name, [=](const Json& value, const std::string& where) -> Result<void> {
      const bool whole = std::is_floating_point_v<T> || value.is_number_integer();
      if (!value.is_number() || !whole || !(value.get<double>() >= low && value.get<double>() <= high))
        return UsageError("bad value", where,
                          std::string(std::is_floating_point_v<T> ? "a number" : "a whole number") +
                              " from " + JsonLine(Json(low)) + " to " + JsonLine(Json(high)),
                          ShortJson(value));
      *to = value.get<T>();
      return {};
    });
  }
  Members& Text(const char* name, std::string* to) {
    return Take(name, [=](const Json& value, const std::string& where) -> Result<void> {
      if (!value.is_string()) return UsageError("bad value", where, "a string", ShortJson(value));
      *to = value.get<std::string>();
      return {};
    });
  }
  Members& Truth(const char* name, bool* to) {
    return Take(name, [=](const Json& value, const std::string& where) -> Result<void> {
      if (!value.is_boolean()) return UsageError("bad value", where, "true or false", ShortJson(value));
      *to = value.get<bool>();
      return {};
    });
  }
  Members& Texts(const char* name, std::vector<std::string>* to) {
    return Take(name, [=](const Json& value, const std::string& where) -> Result<void> {
      const bool good =
          value.is_array() && !value.empty() &&
          std::all_of(value.begin(), value.end(), [](const Json& one) { return one.is_string(); });
      if (!good) return UsageError("bad value", where, "a list of strings, not empty", ShortJson(value));
      *to = value.get<std::vector<std::string>>();
      return {};
    });
  }

  Result<void> ReadFrom(const Json& object, const std::string& where) const {
    if (!object.is_object()) return UsageError("bad value", where, "an object", ShortJson(object));
    for (const auto& [name, value] : object.items()) {
      const std::string at = where + ": " + name;
      const auto read = reads_.find(name);
      if (read == reads_.end()) return UsageError("unknown member", at, "one of docs/training.md", "another");
      GATEHOUSE_TRY(read->second(value, at));
    }
    return {};
  }

 private:
  std::map<std::string, Read, std::less<>> reads_;
};

Result<void> ReadLora(const Json& value, const std::string& where, LoraOptions* to) {
  Members members;
  members.Number("rank", &to->rank, 1, 4096).Number("alpha", &to->alpha, 1e-6, 1e6);
  members.Texts("modules", &to->modules).Number("first_layer", &to->first_layer, 0, 100000);
  members.Number("dropout", &to->dropout, 0, 0.99);
  return members.ReadFrom(value, where);
}

Result<void> ReadTimes(const Json& value, const std::string& where, std::map<std::string, int>* to) {
  if (!value.is_object())
    return UsageError("bad value", where, "an object from source to number", ShortJson(value));
  for (const auto& [source, number] : value.items()) {
    Members one;
    one.Number(source.c_str(), &(*to)[source], 0, 100);
    GATEHOUSE_TRY(one.ReadFrom(Json{{source, number}}, where));
  }
  return {};
}

Result<void> ReadCaps(const Json& value, const std::string& where, std::vector<Cap>* to) {
  if (!value.is_array()) return UsageError("bad value", where, "a list of objects", ShortJson(value));
  for (const Json& entry : value) {
    Cap cap;
    Members members;
    members.Texts("sources", &cap.sources).Text("label", &cap.label).Text("language", &cap.language);
    members.Number("share", &cap.share, 1e-6, 1);
    GATEHOUSE_TRY(members.ReadFrom(entry, where));
    to->push_back(std::move(cap));
  }
  return {};
}

}  // namespace

Result<TrainConfig> ParseTrainConfig(std::string_view json, const std::string& name) {
  GATEHOUSE_ASSIGN(const Json root, ParseJson(json, name, ErrorCode::kUsage));
  TrainConfig out;
  TrainOptions& run = out.options;
  uint64_t seed = 1;
  bool has_lora = false;
  Members members;
  members.Text("model", &out.model)
      .Text("policy", &out.policy)
      .Texts("data", &out.data)
      .Text("dtype", &out.dtype);
  members.Take("where", [&](const Json& value, const std::string& where) -> Result<void> {
    if (!value.is_object())
      return UsageError("bad value", where, "an object from field to value", ShortJson(value));
    for (const auto& [field, wanted] : value.items()) {
      if (!wanted.is_string())
        return UsageError("bad value", where + ": " + field, "a string", ShortJson(wanted));
      out.examples.where.emplace_back(field, wanted.get<std::string>());
    }
    return {};
  });
  members.Take("times", [&](const Json& value, const std::string& where) {
    return ReadTimes(value, where, &out.examples.times);
  });
  members.Take("caps", [&](const Json& value, const std::string& where) {
    return ReadCaps(value, where, &out.examples.caps);
  });
  members.Number("text_to_images", &out.examples.text_to_images, 0, 1e6);
  members.Truth("balance", &out.examples.balance)
      .Number("max_text_bytes", &out.examples.max_text_bytes, 1, 1e9);
  members.Take("lora", [&](const Json& value, const std::string& where) {
    has_lora = true;
    return ReadLora(value, where, &run.lora);
  });
  members.Take("full", [&](const Json& value, const std::string& where) -> Result<void> {
    Members of_full;
    FullOptions& full = run.full.emplace();
    of_full.Texts("modules", &full.modules).Number("first_layer", &full.first_layer, 0, 100000);
    return of_full.ReadFrom(value, where);
  });
  members.Truth("recompute", &run.recompute);
  members.Text("init_adapter", &run.init_adapter).Text("base_name", &run.base_name);
  members.Number("conversations", &run.plan.conversations, 1, 4096)
      .Number("passes", &run.plan.passes, 1e-6, 1000);
  members.Number("steps", &run.plan.steps, 0, 1e9).Number("seed", &seed, 0, kMuch);
  members.Number("batch_tokens", &run.batch.rows, 16, 1e6).Number("longest", &run.batch.longest, 16, 1e6);
  members.Number("parts", &run.batch.parts, 1, 1024);
  members.Number("list_weight", &run.batch.answer.list, 0, 100);
  members.Number("drops", &run.batch.augmentation.drops, 0, 1)
      .Number("most_dropped", &run.batch.augmentation.most_dropped, 1, 1000);
  members.Number("shuffles", &run.batch.augmentation.shuffles, 0, 1)
      .Number("describes", &run.batch.augmentation.describes, 0, 1);
  members.Number("rate", &run.schedule.rate, 0, 10).Number("warm_up", &run.schedule.warm_up, 0, 1e9);
  members.Number("floor", &run.schedule.floor, 0, 1).Number("decay", &run.optimiser.decay, 0, 10);
  members.Number("clip", &run.optimiser.clip, 0, 1e9).Number("beta1", &run.optimiser.beta1, 0, 0.999999);
  members.Number("beta2", &run.optimiser.beta2, 0, 0.9999999).Number("eps", &run.optimiser.eps, 1e-15, 1);
  members.Number("average_last", &run.average_last, 0, 1).Number("save_every", &run.save_every, 1, 1e9);
  GATEHOUSE_TRY(members.ReadFrom(root, name));
  if (has_lora && run.full) return UsageError("two ways to train", name, "either lora or full", "both");
  if (out.data.empty()) return UsageError("missing member", name + ": data", "a list of files", "nothing");
  if (out.dtype != "bf16" && out.dtype != "f32")
    return UsageError("bad value", name + ": dtype", "bf16 or f32", out.dtype);
  run.lora.seed = run.plan.seed = run.batch.seed = seed;
  return out;
}

}  // namespace gatehouse::train

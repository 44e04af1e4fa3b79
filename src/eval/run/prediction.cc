#include "eval/run/prediction.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "data/row_id.h"
#include "eval/run/prompt_hash.h"
#include "formats/json.h"
#include "policy/raw_member.h"

namespace gatehouse {
namespace {

const char* LabelName(bool unsafe) { return unsafe ? "unsafe" : "safe"; }

// Reads the members of one line; the first thing that is wrong is kept.
class MemberReader {
 public:
  MemberReader(const Json& object, std::string where) : object_(object), where_(std::move(where)) {}

  const Json* Member(const char* key) const {
    const auto found = object_.find(key);
    return found == object_.end() ? nullptr : &*found;
  }
  void Text(const char* key, std::string* out) {
    const Json* value = Member(key);
    if (value != nullptr && value->is_string()) {
      *out = value->get<std::string>();
    } else {
      Fail(key, "a string");
    }
  }
  void Label(const char* key, bool* unsafe) {
    std::string text;
    Text(key, &text);
    if (text != "safe" && text != "unsafe") Fail(key, "safe or unsafe");
    *unsafe = text == "unsafe";
  }
  void Share(const char* key, double* out) {
    const Json* value = Member(key);
    if (value != nullptr && value->is_number() && value->get<double>() >= 0 && value->get<double>() <= 1) {
      *out = value->get<double>();
    } else {
      Fail(key, "a number from 0 to 1");
    }
  }
  void Count(const char* key, int* out) {
    const Json* value = Member(key);
    constexpr int64_t kMost = 1 << 30;
    if (value != nullptr && value->is_number_integer() && *value >= 0 && *value <= kMost) {
      *out = value->get<int>();
    } else {
      Fail(key, "a count");
    }
  }
  void Keys(const char* key, std::vector<std::string>* out) {
    const Json* value = Member(key);
    if (value == nullptr || !value->is_array()) return Fail(key, "a list of keys");
    for (const Json& one : *value) {
      if (!one.is_string()) return Fail(key, "a list of keys");
      out->push_back(one.get<std::string>());
    }
  }
  void Scores(const char* key, std::vector<std::pair<std::string, double>>* out) {
    const Json* value = Member(key);
    if (value == nullptr || !value->is_object()) return Fail(key, "an object of scores");
    for (const auto& [category, score] : value->items()) {
      if (!score.is_number() || !(score.get<double>() >= 0 && score.get<double>() <= 1))
        return Fail(key, "scores from 0 to 1");
      out->emplace_back(category, score.get<double>());
    }
  }
  void Fail(const char* key, const char* expected) {
    if (!error_.what.empty()) return;
    const Json* value = Member(key);
    error_ =
        BadInput("malformed record", where_ + ", " + key, expected,
                 value == nullptr ? "nothing" : value->dump(-1, ' ', true, Json::error_handler_t::replace));
  }
  bool ok() const { return error_.what.empty(); }
  const Error& error() const { return error_; }

 private:
  const Json& object_;
  std::string where_;
  Error error_;
};

}  // namespace

std::string FieldOf(const std::vector<std::pair<std::string, std::string>>& fields, const std::string& name,
                    const std::string& otherwise) {
  const auto found =
      std::find_if(fields.begin(), fields.end(), [&](const auto& field) { return field.first == name; });
  return found == fields.end() ? otherwise : found->second;
}

std::string ClusterOf(const Prediction& prediction, const std::string& name) {
  return name == "source" ? prediction.source : FieldOf(prediction.fields, name, kNoValue);
}

Prediction PredictionOf(const EvalRow& row, const Result<Verdict>& verdict) {
  Prediction out;
  out.id = row.id;
  out.id_json = row.id_json;
  out.source = row.source;
  out.language = row.language;
  out.role = RoleName(row.role());
  out.conversation = fmt::format("{:016x}", PromptHash(row.conversation));
  out.images = row.images();
  out.unsafe = row.unsafe;
  out.categories = row.categories;
  out.categories_known = row.categories_known;
  out.unlisted_categories = row.unlisted_categories;
  out.fields = row.fields;
  if (!verdict.ok()) {
    out.error = verdict.error().Message();
    return out;
  }
  out.unsafe_score = verdict->unsafe_score;
  out.category_scores = verdict->category_scores;
  out.verdict_unsafe = verdict->unsafe;
  out.verdict_categories = verdict->categories;
  out.ms = verdict->timings.total;
  out.tokens = verdict->usage.prompt_tokens;
  return out;
}

std::string PredictionToJson(const Prediction& prediction) {
  Json out = {{"source", prediction.source},
              {"language", prediction.language},
              {"role", prediction.role},
              {"images", prediction.images},
              {"label", LabelName(prediction.unsafe)},
              {"categories", prediction.categories},
              {"categories_known", prediction.categories_known}};
  if (!prediction.conversation.empty()) out["conversation"] = prediction.conversation;
  if (!prediction.unlisted_categories.empty()) out["unlisted_categories"] = prediction.unlisted_categories;
  if (!prediction.error.empty()) {
    out["error"] = prediction.error;
  } else {
    out["unsafe_score"] = prediction.unsafe_score;
    Json scores = Json::object();
    for (const auto& [key, score] : prediction.category_scores) scores[key] = score;
    out["category_scores"] = std::move(scores);
    out["verdict"] = LabelName(prediction.verdict_unsafe);
    out["verdict_categories"] = prediction.verdict_categories;
    // To microseconds: more digits are noise, and a record has a line for each of millions of rows.
    out["ms"] = std::round(prediction.ms * 1e3) / 1e3;
    out["tokens"] = prediction.tokens;
  }
  if (!prediction.fields.empty()) {
    Json fields = Json::object();
    for (const auto& [key, value] : prediction.fields) fields[key] = value;
    out["fields"] = std::move(fields);
  }
  const std::string id = prediction.id_json.empty() ? JsonLine(prediction.id) : prediction.id_json;
  return WithId(id, JsonLine(out));
}

Result<Prediction> PredictionFromJson(std::string_view line, const std::string& where) {
  GATEHOUSE_ASSIGN(const Json object, ParseJson(line, where, ErrorCode::kBadInput));
  if (!object.is_object()) return BadInput("malformed record", where, "an object", "something else");
  Prediction out;
  MemberReader reader(object, where);
  if (reader.Member("id") != nullptr) {
    // From the text of the line, since a parsed number would not come back as it was written.
    RowId id = IdOfRaw(RawMember(line, "id"));
    out.id = std::move(id.text);
    out.id_json = std::move(id.json);
  } else {
    reader.Fail("id", "an id");
  }
  reader.Text("source", &out.source);
  reader.Text("language", &out.language);
  reader.Text("role", &out.role);
  if (out.role != "user" && out.role != "assistant") reader.Fail("role", "user or assistant");
  if (reader.Member("conversation") != nullptr) reader.Text("conversation", &out.conversation);
  reader.Count("images", &out.images);
  reader.Label("label", &out.unsafe);
  reader.Keys("categories", &out.categories);
  // A record from elsewhere need not say it: labelled keys are known ones.
  out.categories_known = !out.unsafe || !out.categories.empty();
  if (const Json* known = reader.Member("categories_known"); known != nullptr) {
    if (known->is_boolean()) {
      out.categories_known = known->get<bool>();
    } else {
      reader.Fail("categories_known", "true or false");
    }
  }
  if (reader.Member("unlisted_categories") != nullptr)
    reader.Keys("unlisted_categories", &out.unlisted_categories);
  if (reader.Member("error") != nullptr) {
    reader.Text("error", &out.error);
    if (out.error.empty()) reader.Fail("error", "a message");
  } else {
    reader.Share("unsafe_score", &out.unsafe_score);
    reader.Scores("category_scores", &out.category_scores);
    reader.Label("verdict", &out.verdict_unsafe);
    if (reader.Member("verdict_categories") != nullptr)
      reader.Keys("verdict_categories", &out.verdict_categories);
    const Json* ms = reader.Member("ms");
    if (ms != nullptr && ms->is_number() && ms->get<double>() >= 0) {
      out.ms = ms->get<double>();
    } else {
      reader.Fail("ms", "milliseconds");
    }
    if (reader.Member("tokens") != nullptr) reader.Count("tokens", &out.tokens);
  }
  // What else the row had: a member that is no text is no value to group by, and no error.
  if (const Json* fields = reader.Member("fields"); fields != nullptr && fields->is_object()) {
    for (const auto& [key, value] : fields->items()) {
      if (value.is_string()) out.fields.emplace_back(key, value.get<std::string>());
    }
  }
  if (!reader.ok()) return reader.error();
  return out;
}

}  // namespace gatehouse

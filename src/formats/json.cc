#include "formats/json.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <set>
#include <vector>

#include "base/error.h"
#include "base/file_kind.h"
#include "base/text_mark.h"

namespace gatehouse {
namespace {

constexpr size_t kMaxDepth = 64;

// Watches the parser's events only, so that a hostile text is refused before a tree is built of it.
class Checker : public nlohmann::json_sax<Json> {
 public:
  explicit Checker(size_t max_members) : max_members_(max_members) {}
  bool null() override { return true; }
  bool boolean(bool) override { return true; }
  bool number_integer(number_integer_t) override { return true; }
  bool number_unsigned(number_unsigned_t) override { return true; }
  bool number_float(number_float_t, const string_t&) override { return true; }
  bool string(string_t&) override { return true; }
  bool binary(binary_t&) override { return true; }
  bool start_object(std::size_t) override { return Open(); }
  bool end_object() override { return Close(); }
  bool start_array(std::size_t) override { return Open(); }
  bool end_array() override { return Close(); }
  bool key(string_t& key) override {
    if (!open_.back().insert(key).second) {
      problem = "key \"" + key.substr(0, 80) + "\" twice";
    } else if (open_.back().size() > max_members_) {
      problem = "more than " + std::to_string(max_members_) + " members in an object";
    }
    return problem.empty();
  }
  bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception& e) override {
    problem = e.what();
    return false;
  }

  std::string problem;

 private:
  bool Open() {
    open_.emplace_back();
    if (open_.size() > kMaxDepth) problem = "more than " + std::to_string(kMaxDepth) + " levels";
    return problem.empty();
  }
  bool Close() {
    open_.pop_back();
    return true;
  }
  const size_t max_members_;
  std::vector<std::set<std::string>> open_;  // the keys seen in each open object; of a list none
};

std::string NumberText(double value) { return Json(value).dump(); }

// to_chars writes as printf's %g and %f do in the "C" locale, whatever the locale of the program is.
Json Rounded(double value, std::chars_format format, int precision) {
  if (!std::isfinite(value)) return nullptr;
  std::array<char, 512> text;  // the largest double has 309 digits before the point
  const auto written = std::to_chars(text.data(), text.data() + text.size(), value, format, precision);
  double rounded = 0;
  std::from_chars(text.data(), written.ptr, rounded);
  if (rounded == std::floor(rounded) && std::abs(rounded) < 1e15) return static_cast<int64_t>(rounded);
  return rounded;
}

// The same double in as few digits as there are, with an exponent where the library wrote one.
std::string Shortest(std::string_view figure) {
  double value = 0;
  std::from_chars(figure.data(), figure.data() + figure.size(), value);
  const auto format =
      figure.find('e') != figure.npos ? std::chars_format::scientific : std::chars_format::fixed;
  std::array<char, 64> text;  // fixed: the library goes from 1e-4 to 1e15
  const auto written = std::to_chars(text.data(), text.data() + text.size(), value, format);
  std::string out(text.data(), written.ptr);
  // 1.0 stays a number with a point.
  return out.find_first_of(".e") == out.npos ? out + ".0" : out;
}

}  // namespace

Json JsonWithDigits(double value, int significant) {
  return Rounded(value, std::chars_format::general, significant);
}

Json JsonWithDecimals(double value, int decimals) {
  return Rounded(value, std::chars_format::fixed, decimals);
}

std::string JsonLine(const Json& value) { return value.dump(-1, ' ', false, Json::error_handler_t::replace); }

std::string WithId(std::string_view id, const std::string& object) {
  std::string out = "{\"id\":";
  out += id;
  if (object != "{}") out += ',';
  return out.append(object, 1);
}

std::string ShortFigures(std::string_view json) {
  std::string out;
  out.reserve(json.size());
  for (size_t at = 0, end = 0; at < json.size(); at = end) {
    end = at + 1;
    if (json[at] == '"') {  // to the end of the string: what stands in it is no figure
      for (; end < json.size() && json[end] != '"'; ++end) end += json[end] == '\\';
      end = std::min(end + 1, json.size());
    } else if (json[at] == '-' || (json[at] >= '0' && json[at] <= '9')) {
      end = std::min(json.find_first_not_of("0123456789+-.eE", at), json.size());
    }
    const std::string_view token = json.substr(at, end - at);
    if (token.front() == '"' || token.find('.') == token.npos) {
      out += token;
    } else {
      out += Shortest(token);
    }
  }
  return out;
}

bool SaysNothing(const Json& value) {
  if (value.is_boolean()) return !value.get<bool>();
  // empty() is false of every text.
  return value.is_null() || value == "" || (value.is_structured() && value.empty());
}

std::string ShortJson(const Json& value) {
  std::string text = value.dump(-1, ' ', true, Json::error_handler_t::replace);
  return text.size() > 80 ? text.substr(0, 77) + "..." : text;
}

Result<Json> ParseJson(std::string_view bytes, const std::string& name, ErrorCode code, size_t max_members) {
  std::string scratch;
  const std::string_view text = Utf8Text(bytes, &scratch);
  if (text.starts_with("\xFF\xFE") || text.starts_with("\xFE\xFF"))
    return Error{code, "malformed JSON", name, "UTF-8, or UTF-16 behind its mark", "broken UTF-16"};
  // The parser would skip a second one.
  if (text.starts_with("\xEF\xBB\xBF"))
    return Error{code, "malformed JSON", name, "at most one byte order mark", "two"};
  try {
    Checker checker(max_members);
    if (Json::sax_parse(text.begin(), text.end(), &checker)) return Json::parse(text.begin(), text.end());
    // A model's file is often something else than it seems: a pointer of Git LFS, a page that a proxy sent.
    const FileKind kind = KindOfFile(bytes);
    if (code == ErrorCode::kModel && kind != FileKind::kUnknown && kind != FileKind::kJson)
      return Error{code, "not a JSON file", name, "a JSON text", DescribeFile(bytes)};
    return Error{code, "malformed JSON", name, "valid JSON, each key once", checker.problem};
  } catch (const nlohmann::json::exception& e) {
    return Error{code, "malformed JSON", name, "valid JSON", e.what()};
  }
}

const Json* JsonFields::Find(const char* key) const {
  const auto found = object_.find(key);
  return found == object_.end() ? nullptr : &*found;
}

bool JsonFields::IsNull(const char* key) const {
  const Json* value = Find(key);
  return value != nullptr && value->is_null();
}

Result<int64_t> JsonFields::Int64(const char* key, std::optional<int64_t> otherwise, int64_t low,
                                  int64_t high) const {
  const Json* value = Find(key);
  const std::string range = "a whole number from " + std::to_string(low) + " to " + std::to_string(high);
  if (value == nullptr) {
    if (otherwise) return *otherwise;
    return ModelError("field missing", Where(key), range, "nothing");
  }
  // 8192.0 is how some writers spell 8192.
  if (value->is_number_float() && value->get<double>() == std::floor(value->get<double>()) &&
      std::abs(value->get<double>()) < 1e15) {
    const auto number = static_cast<int64_t>(value->get<double>());
    if (number >= low && number <= high) return number;
  }
  if (value->is_number_unsigned() && value->get<uint64_t>() > static_cast<uint64_t>(INT64_MAX)) {
    return ModelError("bad value", Where(key), range, ShortJson(*value));
  }
  if (!value->is_number_integer() || value->get<int64_t>() < low || value->get<int64_t>() > high) {
    return ModelError("bad value", Where(key), range, ShortJson(*value));
  }
  return value->get<int64_t>();
}

Result<int> JsonFields::Int(const char* key, std::optional<int64_t> otherwise, int low, int high) const {
  GATEHOUSE_ASSIGN(const int64_t value, Int64(key, otherwise, low, high));
  return static_cast<int>(value);
}

Result<double> JsonFields::Number(const char* key, std::optional<double> otherwise, double low,
                                  double high) const {
  const Json* value = Find(key);
  const std::string range = "a number from " + NumberText(low) + " to " + NumberText(high);
  if (value == nullptr) {
    if (otherwise) return *otherwise;
    return ModelError("field missing", Where(key), range, "nothing");
  }
  if (!value->is_number() || !(value->get<double>() >= low && value->get<double>() <= high)) {
    return ModelError("bad value", Where(key), range, ShortJson(*value));
  }
  return value->get<double>();
}

Result<bool> JsonFields::Bool(const char* key, std::optional<bool> otherwise) const {
  const Json* value = Find(key);
  if (value == nullptr) {
    if (otherwise) return *otherwise;
    return ModelError("field missing", Where(key), "true or false", "nothing");
  }
  if (!value->is_boolean()) return ModelError("bad value", Where(key), "true or false", ShortJson(*value));
  return value->get<bool>();
}

Result<std::string> JsonFields::String(const char* key, std::optional<std::string> otherwise) const {
  const Json* value = Find(key);
  if (value == nullptr) {
    if (otherwise) return *otherwise;
    return ModelError("field missing", Where(key), "a string", "nothing");
  }
  if (!value->is_string()) return ModelError("bad value", Where(key), "a string", ShortJson(*value));
  return value->get<std::string>();
}

}  // namespace gatehouse

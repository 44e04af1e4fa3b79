#include "policy/strict_json.h"

#include <set>
#include <vector>

#include "base/text_mark.h"

namespace gatehouse {
namespace {

constexpr int kMaxDepth = 64;
// An ordered object is searched from the front for each key that is added.
constexpr size_t kMaxMembers = 2048;

// Watches the parser's events only, so that a hostile text is refused before a tree is built of it.
class Checker : public nlohmann::json_sax<OrderedJson> {
 public:
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
      problem = "key \"" + key + "\" twice";
      return false;
    }
    if (open_.back().size() > kMaxMembers) {
      problem = "more than " + std::to_string(kMaxMembers) + " members in an object";
      return false;
    }
    return true;
  }
  bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception& e) override {
    problem = e.what();
    return false;
  }

  std::string problem;

 private:
  bool Open() {
    open_.emplace_back();
    if (open_.size() > kMaxDepth) problem = "more than 64 levels";
    return open_.size() <= kMaxDepth;
  }
  bool Close() {
    open_.pop_back();
    return true;
  }
  std::vector<std::set<std::string>> open_;
};

}  // namespace

Result<OrderedJson> ParseStrictJson(std::string_view text, const std::string& name, ErrorCode code) {
  std::string scratch;
  text = Utf8Text(text, &scratch);
  if (text.starts_with("\xFF\xFE") || text.starts_with("\xFE\xFF"))
    return Error{code, "malformed JSON", name, "UTF-8, or UTF-16 behind its mark", "broken UTF-16"};
  // The parser would skip a second one.
  if (text.starts_with("\xEF\xBB\xBF"))
    return Error{code, "malformed JSON", name, "at most one byte order mark", "two"};
  try {
    Checker checker;
    if (!OrderedJson::sax_parse(text.begin(), text.end(), &checker)) {
      return Error{code, "malformed JSON", name, "valid JSON, each key once", checker.problem};
    }
    return OrderedJson::parse(text.begin(), text.end());
  } catch (const nlohmann::json::exception& e) {
    return Error{code, "malformed JSON", name, "valid JSON", e.what()};
  }
}

std::string Describe(const OrderedJson& value) {
  std::string text = value.dump(-1, ' ', false, OrderedJson::error_handler_t::replace);
  return text.size() > 60 ? text.substr(0, 60) + "..." : text;
}

}  // namespace gatehouse

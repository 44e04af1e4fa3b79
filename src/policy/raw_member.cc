#include "policy/raw_member.h"

#include <algorithm>
#include <vector>

#include "formats/json.h"

namespace gatehouse {
namespace {

constexpr size_t kNone = std::string_view::npos;

// Walks over the members of one object. Only the outermost level is looked at, so that depth costs nothing.
class Members {
 public:
  explicit Members(std::string_view object) : text_(object) {
    if (text_.starts_with("\xEF\xBB\xBF")) text_.remove_prefix(3);
    SkipSpace();
    if (at_ < text_.size() && text_[at_] == '{') {
      ++at_;
    } else {
      at_ = kNone;
    }
  }

  // False at the end, or where the text is no object any more. key: with its quotes.
  bool Next(std::string_view* key, std::string_view* value) {
    if (at_ == kNone) return false;
    SkipSpace();
    if (at_ < text_.size() && text_[at_] == ',') {
      ++at_;
      SkipSpace();
    }
    *key = Take();
    if (key->empty() || key->front() != '"') return false;
    SkipSpace();
    if (at_ >= text_.size() || text_[at_] != ':') return false;
    ++at_;
    SkipSpace();
    *value = Take();
    return !value->empty();
  }

 private:
  void SkipSpace() { at_ = std::min(text_.find_first_not_of(" \t\r\n", at_), text_.size()); }

  // Behind the string whose quote stands at `at`.
  size_t EndOfString(size_t at) const {
    for (++at; at < text_.size(); ++at) {
      if (text_[at] == '\\') {
        ++at;
      } else if (text_[at] == '"') {
        return at + 1;
      }
    }
    return text_.size();
  }

  size_t EndOfValue(size_t at) const {
    if (at >= text_.size()) return at;
    if (text_[at] == '"') return EndOfString(at);
    if (text_[at] != '{' && text_[at] != '[')
      return std::min(text_.find_first_of(",:]} \t\r\n", at), text_.size());
    size_t depth = 0;
    while (at < text_.size()) {
      const char c = text_[at];
      if (c == '"') {
        at = EndOfString(at);
        continue;
      }
      ++at;
      if (c == '{' || c == '[') ++depth;
      if ((c == '}' || c == ']') && --depth == 0) break;
    }
    return at;
  }

  std::string_view Take() {
    const size_t begin = at_;
    at_ = EndOfValue(at_);
    return text_.substr(begin, at_ - begin);
  }

  std::string_view text_;
  size_t at_ = 0;
};

bool IsKey(std::string_view quoted, std::string_view key) {
  if (quoted.find('\\') == kNone)
    return quoted.size() == key.size() + 2 && quoted.substr(1, key.size()) == key;
  const Json parsed = Json::parse(quoted, nullptr, false);
  return parsed.is_string() && parsed.get_ref<const std::string&>() == key;
}

}  // namespace

std::string_view RawMember(std::string_view object, std::string_view key) {
  Members members(object);
  std::string_view name, value;
  while (members.Next(&name, &value)) {
    if (IsKey(name, key)) return value;
  }
  return {};
}

std::string WithoutMembers(std::string_view object, std::initializer_list<std::string_view> keys) {
  struct Span {
    size_t begin, end;  // from its name to behind its value
    bool goes;
  };
  std::vector<Span> all;
  Members members(object);
  std::string_view name, value;
  while (members.Next(&name, &value)) {
    const bool goes =
        std::any_of(keys.begin(), keys.end(), [&](std::string_view key) { return IsKey(name, key); });
    const auto begin = static_cast<size_t>(name.data() - object.data());
    all.push_back({begin, static_cast<size_t>(value.data() - object.data()) + value.size(), goes});
  }
  if (std::none_of(all.begin(), all.end(), [](const Span& span) { return span.goes; }))
    return std::string(object);
  // A member goes with what divides it from its neighbour.
  std::string out(object.substr(0, all.front().begin));
  size_t kept_end = 0;
  for (const Span& span : all) {
    if (span.goes) continue;
    if (kept_end > 0) out += ",";
    out += object.substr(span.begin, span.end - span.begin);
    kept_end = span.end;
  }
  out += object.substr(all.back().end);
  return out;
}

std::string OnOneLine(std::string_view json) {
  std::string out(json);
  for (char& c : out)
    if (c == '\n' || c == '\r') c = ' ';
  return out;
}

std::string RawId(std::string_view json) {
  Members members(json);
  std::string_view name, value, id;
  while (members.Next(&name, &value)) {
    if (!IsKey(name, "id")) continue;
    if (!id.empty()) return {};
    id = value;
  }
  if (id.empty()) return {};
  if (json.starts_with("\xEF\xBB\xBF")) json.remove_prefix(3);
  if (!Json::accept(json)) return {};
  return OnOneLine(id);
}

}  // namespace gatehouse

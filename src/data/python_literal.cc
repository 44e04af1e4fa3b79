#include "data/python_literal.h"

#include <algorithm>
#include <cstdint>
#include <string>

#include "text/utf8.h"

namespace gatehouse {
namespace {

constexpr int kMaxDepth = 64;
// An ordered object is searched from the front for each key that is added.
constexpr size_t kMaxMembers = 2048;

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  bool Whole(Json* out) {
    SkipSpace();
    if (!Value(out, 0)) return false;
    SkipSpace();
    return at_ == text_.size();
  }

 private:
  bool Value(Json* out, int depth) {
    if (at_ == text_.size() || depth > kMaxDepth) return false;
    switch (text_[at_]) {
      case '[':
        return List(']', out, depth);
      case '(':
        return List(')', out, depth);
      case '{':
        return Braces(out, depth);
      case '\'':
      case '"':
        *out = std::string();
        return String(out->get_ptr<std::string*>());
      default:
        return Word("None", nullptr, out) || Word("True", true, out) || Word("False", false, out) ||
               Number(out);
    }
  }

  bool Word(std::string_view word, const Json& value, Json* out) {
    if (!text_.substr(at_).starts_with(word)) return false;
    at_ += word.size();
    *out = value;
    return true;
  }

  bool Number(Json* out) {
    const size_t end = std::min(text_.find_first_not_of("+-.0123456789eE", at_), text_.size());
    const std::string_view number = text_.substr(at_, end - at_);
    at_ = end;
    // Python's numbers are JSON's but for "1." and ".5", which repr() does not write.
    *out = Json::parse(number, nullptr, false);
    return out->is_number();
  }

  // Of a list, a tuple or a set. A comma may follow the last item.
  bool List(char close, Json* out, int depth) {
    *out = Json::array();
    ++at_;
    for (bool comma = true;; comma = Take(',')) {
      SkipSpace();
      if (Take(close)) return close != ')' || out->size() != 1 || text_[LastBefore()] == ',';
      Json item;
      if (!comma || !Value(&item, depth + 1)) return false;
      out->push_back(std::move(item));
      SkipSpace();
    }
  }

  // The last thing before the bracket that was just taken: one value in round brackets is a tuple by its
  // comma.
  size_t LastBefore() const { return text_.find_last_not_of(" \t\r\n", at_ - 2); }

  bool Braces(Json* out, int depth) {
    const size_t begin = at_;
    if (Dictionary(out, depth)) return true;
    // A set: never empty, for {} is a dictionary.
    at_ = begin;
    return depth == 0 && List('}', out, depth) && !out->empty();
  }

  bool Dictionary(Json* out, int depth) {
    *out = Json::object();
    ++at_;
    for (bool comma = true;; comma = Take(',')) {
      SkipSpace();
      if (Take('}')) return true;
      std::string key;
      if (!comma || at_ == text_.size() || (text_[at_] != '\'' && text_[at_] != '"') || !String(&key))
        return false;
      SkipSpace();
      if (!Take(':')) return false;
      SkipSpace();
      Json value;
      if (!Value(&value, depth + 1) || out->size() == kMaxMembers || out->contains(key)) return false;
      out->emplace(key, std::move(value));
      SkipSpace();
    }
  }

  bool String(std::string* out) {
    const char quote = text_[at_++];
    while (at_ < text_.size()) {
      const char c = text_[at_++];
      if (c == quote) return true;
      if (c == '\n' || c == '\r') return false;
      if (c != '\\') {
        *out += c;
      } else if (!Escape(out)) {
        return false;
      }
    }
    return false;
  }

  bool Escape(std::string* out) {
    if (at_ == text_.size()) return false;
    const char c = text_[at_++];
    switch (c) {
      case '\\':
      case '\'':
      case '"':
        *out += c;
        return true;
      case 'n':
        *out += '\n';
        return true;
      case 'r':
        *out += '\r';
        return true;
      case 't':
        *out += '\t';
        return true;
      case 'x':
        return Hex(2, out);
      case 'u':
        return Hex(4, out);
      case 'U':
        return Hex(8, out);
      default:
        return false;  // the others are not written by repr()
    }
  }

  bool Hex(size_t digits, std::string* out) {
    uint32_t value = 0;
    for (size_t i = 0; i < digits; ++i) {
      if (at_ == text_.size()) return false;
      const char c = text_[at_++];
      const size_t digit = std::string_view("0123456789abcdef")
                               .find(c >= 'A' && c <= 'F' ? static_cast<char>(c - 'A' + 'a') : c);
      if (digit == std::string_view::npos) return false;
      value = value << 4 | static_cast<uint32_t>(digit);
    }
    if (value > 0x10FFFF || (value >= 0xD800 && value < 0xE000)) return false;
    AppendUtf8(value, out);
    return true;
  }

  bool Take(char c) {
    if (at_ == text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  void SkipSpace() { at_ = std::min(text_.find_first_not_of(" \t\r\n", at_), text_.size()); }

  std::string_view text_;
  size_t at_ = 0;
};

}  // namespace

std::optional<Json> ParsePythonLiteral(std::string_view text) {
  Json out;
  if (!Parser(text).Whole(&out)) return std::nullopt;
  return out;
}

}  // namespace gatehouse

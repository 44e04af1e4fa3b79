#include "checkpoint/module_pattern.h"

#include <algorithm>
#include <cctype>
#include <regex>
#include <string_view>

#include "base/error.h"

namespace gatehouse {
namespace {

constexpr size_t kLongest = 200;
constexpr int kMostCounted = 2;

// Repetitions by number multiply the size of what is compiled; a few small ones is all that layer numbers
// need.
bool SmallCounts(const std::string& key) {
  int counted = 0;
  for (size_t at = key.find('{'); at != std::string::npos; at = key.find('{', at + 1)) {
    const std::string inside = key.substr(at + 1, key.find('}', at) - at - 1);
    const bool small = inside.size() == 1 || (inside.size() == 3 && inside[1] == ',');
    const bool digits = !inside.empty() && std::isdigit(static_cast<unsigned char>(inside.front())) != 0 &&
                        std::isdigit(static_cast<unsigned char>(inside.back())) != 0;
    if (!small || !digits || ++counted > kMostCounted) return false;
  }
  return true;
}

// Constructs that the two dialects read differently without either complaining.
bool SameInPython(const std::string& key) {
  constexpr std::string_view kEscapes = "dDwWsSbB";
  for (const char* other : {"[]", "[^]", "[:", "[.", "[="}) {
    if (key.find(other) != std::string::npos) return false;
  }
  for (size_t at = key.find('\\'); at != std::string::npos; at = key.find('\\', at + 2)) {
    const char escaped = at + 1 < key.size() ? key[at + 1] : 'x';
    if (std::isalnum(static_cast<unsigned char>(escaped)) != 0 &&
        kEscapes.find(escaped) == std::string_view::npos)
      return false;
  }
  return std::all_of(key.begin(), key.end(), [](char c) { return c > ' ' && c < 127; });
}

}  // namespace

struct ModulePattern::Compiled {
  std::regex regex;
};

Result<ModulePattern> ModulePattern::Create(const std::string& key, const std::string& where) {
  const std::string found = "'" + key.substr(0, 80) + "'";
  if (key.empty() || key.size() > kLongest || !SmallCounts(key) || !SameInPython(key)) {
    return ModelError("not supported", where, "a module's name or a simple regular expression", found);
  }
  std::regex::flag_type flags = std::regex::ECMAScript | std::regex::nosubs;
#ifdef __GLIBCXX__
  // Follows all ways at once: no pattern makes it try exponentially many.
  flags |= std::regex_constants::__polynomial;
#endif
  auto compiled = std::make_shared<Compiled>();
  try {
    compiled->regex = std::regex("(.*\\.)?(" + key + ")", flags);
  } catch (const std::regex_error& error) {
    return ModelError("not supported", where, "a module's name or a simple regular expression",
                      found + ": " + error.what());
  }
  ModulePattern pattern;
  pattern.compiled_ = std::move(compiled);
  return pattern;
}

bool ModulePattern::Fits(const std::string& module) const {
  try {
    return std::regex_match(module, compiled_->regex);
  } catch (const std::regex_error&) {
    return false;
  }
}

}  // namespace gatehouse

#include "data/csv_dialect.h"

#include <array>

#include "data/detect.h"

namespace gatehouse {

std::optional<char> SeparatorLine(std::string_view line) {
  if (line.size() >= 2 && line.front() == '"' && line.back() == '"') line = line.substr(1, line.size() - 2);
  if (line.size() != 5) return std::nullopt;
  const std::string_view word = line.substr(0, 4);
  if (word != "sep=" && word != "SEP=" && word != "Sep=") return std::nullopt;
  const char separator = line[4];
  const bool letter = (separator >= 'a' && separator <= 'z') || (separator >= 'A' && separator <= 'Z') ||
                      (separator >= '0' && separator <= '9');
  if (letter || separator == '"' || static_cast<unsigned char>(separator) >= 0x80) return std::nullopt;
  return separator;
}

char SeparatorOfHeader(std::string_view header, std::string_view path) {
  // The first counts where two stand equally often.
  const bool tabs = IsTabSeparated(path);
  const std::array<char, 4> separators =
      tabs ? std::array{'\t', ',', ';', '|'} : std::array{',', ';', '\t', '|'};
  std::array<size_t, 4> counts = {};
  bool quoted = false;
  for (const char c : header) {
    if (c == '"') quoted = !quoted;
    for (size_t i = 0; i < separators.size(); ++i)
      if (!quoted && c == separators[i]) ++counts[i];
  }
  if (tabs && counts[0] > 0) return '\t';
  size_t best = 0;
  for (size_t i = 1; i < separators.size(); ++i)
    if (counts[i] > counts[best]) best = i;
  return separators[best];
}

}  // namespace gatehouse

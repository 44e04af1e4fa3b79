#include "eval/report/text_table.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "eval/report/display_text.h"

namespace gatehouse {
namespace {

constexpr int kGap = 2;           // between columns
constexpr int kShortestName = 8;  // of the first column, before others are folded away

std::string Padded(std::string_view text, int width, bool right) {
  const std::string space(static_cast<size_t>(std::max(0, width - DisplayWidth(text))), ' ');
  return right ? space + std::string(text) : std::string(text) + space;
}

int Total(const std::vector<size_t>& kept, const std::vector<int>& widths, int first) {
  int total = first;
  for (size_t column : kept)
    if (column != 0) total += kGap + widths[column];
  return total;
}

}  // namespace

std::string Styled(std::string_view text, TextStyle style, bool colour) {
  if (!colour || style == TextStyle::kPlain) return std::string(text);
  const char* code = style == TextStyle::kStrong  ? "1"
                     : style == TextStyle::kFaint ? "2"
                     : style == TextStyle::kGood  ? "32"
                                                  : "31";
  return "\x1b[" + std::string(code) + "m" + std::string(text) + "\x1b[0m";
}

std::string TextLine(std::string_view text, TextStyle style, int width, bool colour) {
  return Styled(ClippedToWidth(TerminalText(text), std::max(width, kNarrowestTerminal)), style, colour) +
         "\n";
}

void TextTable::Add(std::vector<std::string> cells, bool strong) {
  cells.resize(columns_.size());
  if (!cells.empty()) cells[0] = TerminalText(cells[0]);
  rows_.push_back({std::move(cells), strong, false});
}

void TextTable::AddHeading(std::string_view text) { rows_.push_back({{TerminalText(text)}, true, true}); }

std::string TextTable::Render(int width, bool colour) const {
  width = std::max(width, kNarrowestTerminal);
  std::vector<int> widths(columns_.size());
  for (size_t i = 0; i < columns_.size(); ++i) widths[i] = DisplayWidth(columns_[i].title);
  for (const Row& row : rows_) {
    if (row.heading) continue;
    for (size_t i = 0; i < row.cells.size(); ++i) widths[i] = std::max(widths[i], DisplayWidth(row.cells[i]));
  }

  // A long name gives way up to two fifths of the width; then columns go, the least important first.
  const int shortest = std::min(widths[0], std::max(kShortestName, width * 2 / 5));
  std::vector<size_t> kept(columns_.size());
  std::iota(kept.begin(), kept.end(), size_t{0});
  while (Total(kept, widths, shortest) > width) {
    const auto least = std::max_element(kept.begin(), kept.end(), [this](size_t a, size_t b) {
      return columns_[a].priority < columns_[b].priority;
    });
    if (columns_[*least].priority == 0) break;
    kept.erase(least);
  }
  const int rest = Total(kept, widths, 0);
  widths[0] = std::clamp(width - rest, std::min(shortest, kShortestName), widths[0]);

  const auto line = [&](const std::vector<std::string>& cells, TextStyle style) {
    std::string out;
    for (size_t column : kept) {
      if (column != 0) out += std::string(kGap, ' ');
      const std::string cell = column == 0 ? Padded(ClippedToWidth(cells[0], widths[0]), widths[0], false)
                                           : Padded(cells[column], widths[column], true);
      out += Styled(cell, columns_[column].faint ? TextStyle::kFaint : style, colour);
    }
    out.erase(out.find_last_not_of(' ') + 1);
    return out + "\n";
  };
  std::vector<std::string> titles;
  for (const Column& column : columns_) titles.push_back(column.title);
  std::string out = line(titles, TextStyle::kFaint);
  for (const Row& row : rows_) {
    if (row.heading) {
      out += Styled(ClippedToWidth(row.cells[0], width), TextStyle::kStrong, colour) + "\n";
    } else {
      out += line(row.cells, row.strong ? TextStyle::kStrong : TextStyle::kPlain);
    }
  }
  return out;
}

}  // namespace gatehouse

// Text for a terminal: lines that never grow wider than it, and tables that give up their least important
// columns before that.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace gatehouse {

class TextTable {
 public:
  struct Column {
    std::string title;
    int priority = 0;    // where the width is short the highest numbers go first; 0 always stays
    bool faint = false;  // an aside, such as the interval of the column before it
  };
  explicit TextTable(std::vector<Column> columns) : columns_(std::move(columns)) {}

  // As many cells as columns; the first is untrusted, aligned left and clipped where it is long.
  void Add(std::vector<std::string> cells, bool strong = false);
  // A heading over the rows that follow.
  void AddHeading(std::string_view text);

  std::string Render(int width, bool colour) const;

 private:
  struct Row {
    std::vector<std::string> cells;
    bool strong = false;
    bool heading = false;
  };
  std::vector<Column> columns_;
  std::vector<Row> rows_;
};

enum class TextStyle { kPlain, kStrong, kFaint, kGood, kBad };
std::string Styled(std::string_view text, TextStyle style, bool colour);
// One line of untrusted text, clipped to the width.
std::string TextLine(std::string_view text, TextStyle style, int width, bool colour);

// A terminal narrower than this is written to as if it had it.
inline constexpr int kNarrowestTerminal = 24;

}  // namespace gatehouse

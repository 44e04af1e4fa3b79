// Labelled category against the first one said, as a heat map. A table, so that it can be read out and
// scrolled.
#include <fmt/format.h>

#include <algorithm>

#include "eval/report/display_text.h"
#include "eval/report/group_order.h"
#include "eval/report/numbers.h"
#include "eval/report/page_parts.h"

namespace gatehouse {
namespace {

// Above this share the text takes the colour that is legible on the full colour of the map.
constexpr double kStrongShare = 0.62;

std::string Cell(const std::string& row, const std::string& column, int64_t count, double share) {
  const bool diagonal = row == column;
  if (count == 0) return diagonal ? "<td class=\"same zero\">·</td>" : "<td class=\"zero\">·</td>";
  // A row in a hundred is still to be seen.
  const double strength = 0.08 + 0.92 * share;
  return fmt::format(
      "<td class=\"{}{}\" style=\"--a:{:.0f}%\" title=\"labelled {}, said {}: {} ({} of the row)\">{}</td>",
      share > kStrongShare ? "strong" : "weak", diagonal ? " same" : "", strength * 100, HtmlText(row),
      HtmlText(column), Count(count), Percent(share), Count(count));
}

}  // namespace

std::string ConfusionMap(const Report& report) {
  const CategoryConfusion& confusion = report.confusion;
  const size_t columns = confusion.columns.size();
  if (confusion.rows.empty() || columns == 0) return {};
  std::string out =
      "<div class=\"scroll\"><table class=\"heat\"><thead><tr><th scope=\"col\" class=\"corner\">Labelled ↓ "
      "said →"
      "</th>";
  for (const std::string& column : confusion.columns)
    out += fmt::format("<th scope=\"col\" title=\"{}\"><bdi>{}</bdi></th>",
                       HtmlText(CategoryTitle(report, column)), HtmlText(column));
  out += "<th scope=\"col\" class=\"n\">Rows</th></tr></thead><tbody>";
  for (size_t r = 0; r < confusion.rows.size(); ++r) {
    const auto count = [&](size_t c) {
      const size_t at = r * columns + c;
      return at < confusion.counts.size() ? confusion.counts[at] : 0;
    };
    int64_t total = 0;
    for (size_t c = 0; c < columns; ++c) total += count(c);
    const std::string title = HtmlText(CategoryTitle(report, confusion.rows[r]));
    out += fmt::format("<tr><th scope=\"row\" title=\"{}\"><bdi>{}</bdi></th>", title, title);
    for (size_t c = 0; c < columns; ++c)
      out += Cell(confusion.rows[r], confusion.columns[c], count(c),
                  total > 0 ? static_cast<double>(count(c)) / static_cast<double>(total) : 0);
    out += "<td class=\"n\">" + Count(total) + "</td></tr>";
  }
  return out + "</tbody></table></div>";
}

}  // namespace gatehouse

#include "report_examples.h"

namespace gatehouse {

const char* const kHostileTexts[] = {
    "</script><script>window.__pwned=1;alert(1)</script>",
    "\"><img src=x onerror=\"window.__pwned=1;alert(1)\">",
    "'><svg onload='window.__pwned=1'>",
    "]]></svg></style></title></textarea><script>window.__pwned=1</script>",
    "<!--<script>window.__pwned=1//-->",
    "javascript:window.__pwned=1",
    "line\xE2\x80\xA8separator\xE2\x80\xA9paragraph",
    "abc \xE2\x80\xAE\xE2\x81\xA6 fdp.exe",     // overrides and isolates of direction
    "nul:\x01\x1b[31mred\x1b[0m\x07 bell\x7f",  // a NUL is added where it is used
    "broken \xC0\xAF\xFF\xE2\x82 utf-8",
    "\xEF\xBB\xBF\xF3\xA0\x81\x81 unseen",  // a byte order mark and a tag character
    "&lt;b&gt; &amp; &#60;script&#62; {{x}} ${y} %s %n",
    "https://example.com/track?<link rel=stylesheet href=//example.com>",
    "\xD9\x85\xD8\xB1\xD8\xAD\xD8\xA8\xD8\xA7 right to left",
    "unbrokenunbrokenunbrokenunbrokenunbrokenunbrokenunbrokenunbrokenunbrokenunbrokenunbrokenunbroken",
};
const size_t kHostileTextCount = std::size(kHostileTexts);

namespace {

std::string Hostile(size_t index) {
  std::string out = kHostileTexts[index % kHostileTextCount];
  if (index % kHostileTextCount == 8) out.insert(out.begin() + 4, '\0');
  return out;
}

BinaryFigures Some(int64_t n) { return FiguresOfCounts(n, n / 2, 2 * n, n / 3); }

}  // namespace

Report HostileReport() {
  Report out = ExampleReport({}, 600);
  out.model = Hostile(0);
  out.policy = Hostile(1);
  out.data = Hostile(9);
  out.made = Hostile(3);
  out.category_names.clear();
  out.category_thresholds.clear();
  out.category_against_rest.clear();
  out.dimensions = {{"category", {}}, {"source", {}}, {Hostile(0), {}}};
  out.confusion = {};
  for (size_t i = 0; i < kHostileTextCount; ++i) {
    const std::string text = Hostile(i);
    out.category_names.push_back({text, Hostile(i + 1)});
    out.category_thresholds.push_back({text, 0.25});
    out.category_against_rest.push_back({text, Some(20), {}});
    for (Dimension& dimension : out.dimensions) dimension.groups.push_back({text, Some(20 + (int64_t)i), {}});
    out.confusion.rows.push_back(text);
    out.confusion.columns.push_back(text);
  }
  out.confusion.counts.assign(kHostileTextCount * kHostileTextCount, 3);
  for (size_t i = 0; i < out.mistakes.size(); ++i) {
    Mistake& mistake = out.mistakes[i];
    mistake.id = Hostile(i);
    mistake.source = Hostile(i + 1);
    mistake.language = Hostile(i + 2);
    mistake.role = Hostile(i + 3);
    mistake.labelled = {Hostile(i + 4), Hostile(i + 5)};
    mistake.predicted = {Hostile(i + 6)};
    mistake.text = Hostile(i + 7) + "\n" + Hostile(i + 8);
  }
  return out;
}

Comparison HostileComparison() {
  Comparison out;
  out.reports = {HostileReport(), HostileReport()};
  out.reports[1].model = Hostile(3);
  out.against.resize(1);
  out.against[0].verdicts_differ = 2;
  for (size_t i = 0; i < 12; ++i) {
    out.against[0].changed.push_back(out.reports[0].mistakes[i]);
    out.against[0].changed_other_score.push_back(0.5);
  }
  return out;
}

Report ManyGroups(int groups) {
  Report out = ExampleReport({}, 300);
  Dimension dimension{"user_id", {}};
  for (int i = 0; i < groups; ++i) dimension.groups.push_back({"user-" + std::to_string(i), Some(5 + i), {}});
  out.dimensions.push_back(std::move(dimension));
  return out;
}

}  // namespace gatehouse

#include "eval/run/categories.h"

#include <algorithm>
#include <map>
#include <set>

#include "eval/run/record.h"

namespace gatehouse {
namespace {

using Flag = PredictionTable::Flag;

// A million rows times fourteen categories would be too much at once: larger records are read again for every
// few.
constexpr size_t kRowsForAllAtOnce = 100000;
constexpr size_t kCategoriesAtOnce = 2;

bool Holds(const std::vector<std::string>& keys, const std::string& key) {
  return std::find(keys.begin(), keys.end(), key) != keys.end();
}

std::string FirstSaid(const PredictionTable& table, size_t row) {
  if ((table.flags[row] & Flag::kSaidUnsafe) == 0) return "safe";
  const std::vector<std::string>& said = table.category_sets[table.said[row]];
  return said.empty() ? "unknown" : said.front();
}

}  // namespace

std::vector<uint8_t> SetsHolding(const PredictionTable& table, const std::string& key) {
  std::vector<uint8_t> out;
  for (size_t set = 0; set < table.category_sets.size(); ++set)
    out.push_back(Holds(table.category_sets[set], key));
  return out;
}

CategoryConfusion ConfusionOf(const PredictionTable& table) {
  std::map<std::string, std::map<std::string, int64_t>> counts;
  std::set<std::string> seen;
  for (size_t row = 0; row < table.rows(); ++row) {
    if ((table.flags[row] & Flag::kUnsafe) == 0 || (table.flags[row] & Flag::kKnown) == 0) continue;
    const std::vector<std::string>& labelled = table.category_sets[table.labelled[row]];
    if (labelled.size() != 1) continue;
    const std::string said = FirstSaid(table, row);
    ++counts[labelled.front()][said];
    seen.insert(said);
  }
  CategoryConfusion out;
  // In the order of the policy, then what it does not know.
  const auto add = [](const std::string& key, std::vector<std::string>* keys) {
    if (!Holds(*keys, key)) keys->push_back(key);
  };
  for (const std::string& key : table.category_keys) {
    if (counts.count(key) > 0) add(key, &out.rows);
    if (counts.count(key) > 0 || seen.count(key) > 0) add(key, &out.columns);
  }
  for (const auto& [key, row] : counts) add(key, &out.rows);
  for (const std::string& key : seen) {
    if (key != "safe" && key != "unknown") add(key, &out.columns);
  }
  out.columns.insert(out.columns.end(), {"safe", "unknown"});
  for (const std::string& row : out.rows) {
    for (const std::string& column : out.columns) {
      const auto found = counts[row].find(column);
      out.counts.push_back(found == counts[row].end() ? 0 : found->second);
    }
  }
  if (out.rows.empty()) out.columns.clear();
  return out;
}

Result<void> AddCategoryAgainstRest(const std::string& record, const VerdictRule& rule,
                                    const BootstrapOptions& bootstrap, const PredictionTable& table,
                                    Report* report) {
  const std::vector<std::string>& keys = table.category_keys;
  const size_t at_once =
      table.rows() <= kRowsForAllAtOnce ? std::max<size_t>(keys.size(), 1) : kCategoriesAtOnce;
  size_t known = 0;
  for (const uint8_t flags : table.flags)
    known += (flags & Flag::kUnsafe) == 0 || (flags & Flag::kKnown) != 0;
  int64_t tp = 0, fp = 0, fn = 0;
  double f1_sum = 0;
  int f1_count = 0;
  for (size_t first = 0; first < keys.size(); first += at_once) {
    const size_t count = std::min(at_once, keys.size() - first);
    std::vector<Columns> columns(count);
    for (Columns& one : columns) one.Reserve(known, !table.clusters.empty());
    size_t row = 0;
    GATEHOUSE_TRY(ForEachJudged(record, [&](const Prediction& prediction) {
      const size_t at = row++;
      if (prediction.unsafe && !prediction.categories_known) return;
      const Decision decision = Decide(rule, prediction);
      for (size_t i = 0; i < count; ++i) {
        const std::string& key = keys[first + i];
        const auto score = std::find_if(prediction.category_scores.begin(), prediction.category_scores.end(),
                                        [&](const auto& one) { return one.first == key; });
        if (score == prediction.category_scores.end()) continue;  // the row's policy left the category out
        columns[i].scores.push_back(score->second);
        columns[i].labels.push_back(prediction.unsafe && Holds(prediction.categories, key));
        columns[i].predicted.push_back(decision.unsafe && Holds(decision.categories, key));
        if (!table.clusters.empty()) columns[i].clusters.push_back(table.clusters[at]);
      }
    }));
    for (size_t i = 0; i < count; ++i) {
      BootstrapOptions options = bootstrap;
      options.clusters = columns[i].clusters.empty() ? nullptr : columns[i].clusters.data();
      const BinaryFigures figures = ComputeFigures(columns[i].View());
      tp += figures.tp;
      fp += figures.fp;
      fn += figures.fn;
      if (figures.tp + figures.fn > 0 && figures.f1) {
        f1_sum += *figures.f1;
        ++f1_count;
      }
      report->category_against_rest.push_back(
          {keys[first + i], figures, Bootstrap(columns[i].View(), options)});
    }
  }
  if (f1_count > 0) report->category_macro_f1 = f1_sum / f1_count;
  if (tp + fn > 0) report->category_micro_f1 = FiguresOfCounts(tp, fp, 0, fn).f1;
  return {};
}

}  // namespace gatehouse

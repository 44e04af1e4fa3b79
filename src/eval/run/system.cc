#include "eval/run/system.h"

#include <algorithm>

#include "base/error.h"
#include "eval/figures/rates.h"
#include "eval/run/categories.h"
#include "eval/run/system_join.h"

namespace gatehouse {
namespace {

using Flag = PredictionTable::Flag;

class SystemBuilder {
 public:
  SystemBuilder(const JoinedRecords& joined, const BootstrapOptions& bootstrap)
      : joined_(joined), bootstrap_(bootstrap) {}

  template <typename Take>
  SystemGroup Group(std::string name, Take take) const {
    std::vector<size_t> rows;
    for (size_t row = 0; row < joined_.rows.size(); ++row)
      if (take(row)) rows.push_back(row);
    SystemGroup out{std::move(name), {}};
    out.figures.n = static_cast<int64_t>(rows.size());
    Fill(rows, &out.figures);
    return out;
  }

  SystemDimension ByColumn(std::string name, const std::vector<uint16_t>& column,
                           const Numbered<std::string>& values) const {
    SystemDimension out{std::move(name), {}};
    for (size_t value = 0; value < values.size(); ++value)
      out.groups.push_back(Group(values[value].empty() ? kNoValue : values[value],
                                 [&](size_t row) { return column[row] == value; }));
    return out;
  }

  // As in the report of verdicts: answers labelled with the category, and those labelled safe of the sources
  // that have such answers.
  SystemDimension ByCategory() const {
    SystemDimension out{"category", {}};
    const PredictionTable& table = joined_.table;
    for (const std::string& key : table.category_keys) {
      const std::vector<uint8_t> holds = SetsHolding(table, key);
      const auto labelled = [&](size_t row) {
        return (table.flags[row] & Flag::kUnsafe) != 0 && (table.flags[row] & Flag::kKnown) != 0 &&
               holds[table.labelled[row]] != 0;
      };
      std::vector<uint8_t> has(table.sources.size(), 0);
      for (size_t row = 0; row < table.rows(); ++row)
        if (labelled(row)) has[table.source[row]] = 1;
      SystemGroup group = Group(key, [&](size_t row) {
        if (joined_.rows[row].violates != 0) return labelled(row);
        return has[table.source[row]] != 0;
      });
      if (group.figures.n > 0) out.groups.push_back(std::move(group));
    }
    return out;
  }

 private:
  // Twelve outcomes of each row, resampled together: three rates with four filters.
  void Fill(const std::vector<size_t>& rows, SystemFigures* to) const {
    std::vector<Outcomes> outcomes(kSystemRates.size() * kFilterCount);
    for (size_t filter = 0; filter < kFilterCount; ++filter) {
      for (const size_t number : rows) {
        const SystemRow& row = joined_.rows[number];
        const bool blocked = row.Blocked(static_cast<Filter>(filter));
        const bool refused = blocked || row.refuses;
        outcomes[filter].push_back(
            row.violates == kNotCounted ? kNotCounted : static_cast<uint8_t>(row.violates == 1 && !blocked));
        outcomes[kFilterCount + filter].push_back(refused);
        outcomes[2 * kFilterCount + filter].push_back(row.harmless ? static_cast<uint8_t>(refused)
                                                                   : kNotCounted);
      }
    }
    std::vector<std::pair<size_t, size_t>> pairs;
    for (size_t rate = 0; rate < kSystemRates.size(); ++rate) {
      const size_t first = rate * kFilterCount;
      for (size_t filter = 1; filter < kFilterCount; ++filter) pairs.emplace_back(first, first + filter);
      pairs.emplace_back(first + kOutputFilter, first + kInputFilter);
    }
    std::vector<uint32_t> clusters;
    clusters.reserve(rows.size());
    for (const size_t row : rows) clusters.push_back(joined_.table.clusters[row]);
    BootstrapOptions options = bootstrap_;
    options.clusters = clusters.data();
    const Rates rates = PairedRates(outcomes, pairs, options);
    for (size_t i = 0; i < kSystemRates.size(); ++i) {
      SystemRate& rate = to->*kSystemRates[i].rate;
      rate.counted = rates.rates[i * kFilterCount].counted;
      for (size_t filter = 0; filter < kFilterCount; ++filter) {
        const OutcomeRate& one = rates.rates[i * kFilterCount + filter];
        rate.filters[filter] = {one.value, one.interval, {}};
        if (filter > 0) rate.filters[filter].change = rates.differences[i * kFilterCount + filter - 1];
      }
      rate.output_to_input = rates.differences[i * kFilterCount + kFilterCount - 1];
    }
  }

  const JoinedRecords& joined_;
  const BootstrapOptions& bootstrap_;
};

std::optional<FilterCost> CostOf(std::vector<double> ms) {
  if (ms.empty()) return std::nullopt;
  std::sort(ms.begin(), ms.end());
  const auto at = [&](double share) {
    return ms[static_cast<size_t>(share * static_cast<double>(ms.size() - 1) + 0.5)];  // the nearest rank
  };
  double total = 0;
  for (const double one : ms) total += one;
  return FilterCost{total / static_cast<double>(ms.size()), at(0.5), at(0.95)};
}

// What is blocked before the model is asked is not judged behind it.
void FillCost(const JoinedRecords& joined, SystemReport* report) {
  std::vector<double> both;
  int64_t blocked = 0;
  for (size_t row = 0; row < joined.rows.size(); ++row) {
    blocked += joined.rows[row].input_blocks;
    both.push_back(joined.input_ms[row] + (joined.rows[row].input_blocks ? 0 : joined.output_ms[row]));
  }
  report->cost = {FilterCost{}, CostOf(joined.input_ms), CostOf(joined.output_ms), CostOf(both)};
  report->answers_saved = static_cast<double>(blocked) / static_cast<double>(joined.rows.size());
}

}  // namespace

Result<SystemReport> BuildSystemReport(const SystemRecords& records, const ReportOptions& options) {
  GATEHOUSE_ASSIGN(const JoinedRecords joined, JoinRecords(records, options));
  if (joined.rows.empty())
    return BadInput("no row could be judged", records.output, "at least one with every verdict",
                    std::to_string(joined.left_out) + " without" +
                        (joined.first_error.empty() ? "" : "; the first: " + joined.first_error));
  SystemReport report;
  static_cast<ReportHead&>(report) = options;
  report.n = static_cast<int64_t>(joined.rows.size());
  report.problems = joined.left_out;
  report.unlabelled = joined.unlabelled;
  report.refused_by_field = joined.refused_by_field;
  report.refusing_violations = joined.refusing_violations;
  report.prompts = static_cast<int64_t>(joined.prompts.size());

  const SystemBuilder builder(joined, options.bootstrap);
  const PredictionTable& table = joined.table;
  report.overall = builder.Group("all", [](size_t) { return true; });
  report.dimensions.push_back(builder.ByColumn("source", table.source, table.sources));
  report.dimensions.push_back(builder.ByCategory());
  report.dimensions.push_back(builder.ByColumn("language", table.language, table.languages));
  for (size_t i = 0; i < table.by_names.size(); ++i)
    report.dimensions.push_back(builder.ByColumn(table.by_names[i], table.by[i], table.by_values[i]));
  for (const Filter filter : {kInputFilter, kOutputFilter, kBothFilters})
    report.curves[filter] = SystemCurve(joined.rows, filter);
  FillCost(joined, &report);
  return report;
}

}  // namespace gatehouse

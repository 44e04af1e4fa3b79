// PredictionTable: a record in memory, in columns of a few bytes a row, so that a million rows are no burden.
// Names and sets of categories are stored once and numbered.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "eval/figures/figures.h"
#include "eval/run/prediction.h"
#include "eval/run/rule.h"
#include "gatehouse/result.h"

namespace gatehouse {

// Distinct values, numbered from 0 in order of appearance.
template <typename T>
class Numbered {
 public:
  static constexpr size_t kMost = 1u << 16;
  Numbered() = default;
  Numbered(Numbered&&) noexcept = default;  // copies would point into the original
  Numbered& operator=(Numbered&&) noexcept = default;

  // Errors: kBadInput: more than 65 536 of them.
  Result<uint16_t> Number(const T& value);
  const T& operator[](size_t number) const { return *values_[number]; }
  size_t size() const { return values_.size(); }

 private:
  std::map<T, uint16_t> numbers_;
  std::vector<const T*> values_;
};

class PredictionTable {
 public:
  // by: names of row fields that are kept, for groups. cluster: a field by whose values rows are resampled
  // together, or empty.
  PredictionTable(std::vector<std::string> by, std::string cluster);

  void Reserve(size_t rows);
  // Rows that could not be judged are only counted. Errors: kBadInput: too many names.
  Result<void> Add(const Prediction& prediction, const VerdictRule& rule);

  size_t rows() const { return scores.size(); }

  enum Flag : uint8_t { kUnsafe = 1, kSaidUnsafe = 2, kAssistant = 4, kKnown = 8 };
  // Column by column, [rows].
  std::vector<double> scores;
  std::vector<uint8_t> flags;   // of Flag
  std::vector<uint8_t> images;  // 0, 1, or 2 for several
  std::vector<uint16_t> source, language, labelled, said;
  std::vector<float> ms;
  std::vector<uint16_t> tokens;
  std::vector<std::vector<uint16_t>> by;  // [fields of by_names][rows]
  std::vector<uint32_t> clusters;         // [rows], or empty

  Numbered<std::string> sources, languages;
  Numbered<std::vector<std::string>> category_sets;
  std::vector<std::string> by_names;
  std::vector<Numbered<std::string>> by_values;
  std::vector<std::string> category_keys;  // of category_scores, in the order of the policy
  int64_t errors = 0;                      // rows that could not be judged
  std::string first_error;
  int64_t unknown_categories = 0;                      // unsafe rows that count for no category
  std::map<std::string, int64_t> unlisted_categories;  // labelled names that are no keys, and their rows

 private:
  std::string cluster_;
  std::map<std::string, uint32_t> cluster_numbers_;
};

// The rows that a predicate takes, as columns for the statistics.
struct Columns {
  std::vector<double> scores;
  std::vector<uint8_t> labels, predicted;
  std::vector<uint32_t> clusters;

  template <typename Take>
  static Columns Of(const PredictionTable& table, Take take) {
    Columns out;
    size_t count = 0;
    for (size_t row = 0; row < table.rows(); ++row) count += take(row) ? 1 : 0;
    out.Reserve(count, !table.clusters.empty());
    for (size_t row = 0; row < table.rows(); ++row) {
      if (!take(row)) continue;
      out.scores.push_back(table.scores[row]);
      out.labels.push_back((table.flags[row] & PredictionTable::kUnsafe) != 0);
      out.predicted.push_back((table.flags[row] & PredictionTable::kSaidUnsafe) != 0);
      if (!table.clusters.empty()) out.clusters.push_back(table.clusters[row]);
    }
    return out;
  }
  void Reserve(size_t count, bool with_clusters) {
    scores.reserve(count);
    labels.reserve(count);
    predicted.reserve(count);
    if (with_clusters) clusters.reserve(count);
  }
  ScoredRows View() const { return {scores.data(), labels.data(), predicted.data(), scores.size()}; }
};

// Reads a whole record. Errors: kBadInput: as PredictionReader's and Add's.
Result<PredictionTable> ReadTable(const std::string& path, const VerdictRule& rule,
                                  std::vector<std::string> by, const std::string& cluster);

}  // namespace gatehouse

#include "eval/run/table.h"

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "eval/run/record.h"

namespace gatehouse {
namespace {

constexpr size_t kMostUnlisted = 1000;

}  // namespace

template <typename T>
Result<uint16_t> Numbered<T>::Number(const T& value) {
  const auto found = numbers_.find(value);
  if (found != numbers_.end()) return found->second;
  if (values_.size() >= kMost)
    return BadInput("too many different values of one field", "record", "at most " + std::to_string(kMost),
                    "more");
  // The map owns the value, and its nodes do not move: values_ may point into it.
  const auto added = numbers_.emplace(value, static_cast<uint16_t>(values_.size())).first;
  values_.push_back(&added->first);
  return added->second;
}
template class Numbered<std::string>;
template class Numbered<std::vector<std::string>>;

PredictionTable::PredictionTable(std::vector<std::string> fields, std::string cluster)
    : by(fields.size()),
      by_names(std::move(fields)),
      by_values(by_names.size()),
      cluster_(std::move(cluster)) {}

void PredictionTable::Reserve(size_t rows) {
  scores.reserve(rows);
  flags.reserve(rows);
  images.reserve(rows);
  for (std::vector<uint16_t>* column : {&source, &language, &labelled, &said, &tokens}) column->reserve(rows);
  ms.reserve(rows);
  for (std::vector<uint16_t>& column : by) column.reserve(rows);
  if (!cluster_.empty()) clusters.reserve(rows);
}

Result<void> PredictionTable::Add(const Prediction& prediction, const VerdictRule& rule) {
  if (!prediction.error.empty()) {
    // A row without a verdict counts as a problem, not as an answer of either kind.
    if (errors++ == 0) first_error = prediction.error;
    return {};
  }
  unknown_categories += prediction.unsafe && !prediction.categories_known ? 1 : 0;
  for (const std::string& name : prediction.unlisted_categories) {
    // Names come from the data: a set with one for each row must not fill the memory.
    const bool listed = unlisted_categories.size() < kMostUnlisted || unlisted_categories.count(name) > 0;
    ++unlisted_categories[listed ? name : "(others)"];
  }
  const Decision decision = Decide(rule, prediction);
  GATEHOUSE_ASSIGN(const uint16_t source_number, sources.Number(prediction.source));
  GATEHOUSE_ASSIGN(const uint16_t language_number, languages.Number(prediction.language));
  GATEHOUSE_ASSIGN(const uint16_t labelled_number, category_sets.Number(prediction.categories));
  GATEHOUSE_ASSIGN(const uint16_t said_number, category_sets.Number(decision.categories));
  for (size_t i = 0; i < by_names.size(); ++i) {
    GATEHOUSE_ASSIGN(const uint16_t number,
                     by_values[i].Number(FieldOf(prediction.fields, by_names[i], kNoValue)));
    by[i].push_back(number);
  }
  source.push_back(source_number);
  language.push_back(language_number);
  labelled.push_back(labelled_number);
  said.push_back(said_number);
  scores.push_back(prediction.unsafe_score);
  flags.push_back(static_cast<uint8_t>(
      (prediction.unsafe ? kUnsafe : 0) | (decision.unsafe ? kSaidUnsafe : 0) |
      (prediction.role == "assistant" ? kAssistant : 0) | (prediction.categories_known ? kKnown : 0)));
  // None, one, several: that is all a report asks for, and a byte a row is all it costs.
  images.push_back(static_cast<uint8_t>(std::clamp(prediction.images, 0, 2)));
  ms.push_back(static_cast<float>(prediction.ms));
  // Only their sum is shown; a longer prompt than this is rare enough to be cut.
  tokens.push_back(static_cast<uint16_t>(std::min(prediction.tokens, 65535)));
  if (!cluster_.empty()) {
    const auto next = static_cast<uint32_t>(cluster_numbers_.size());
    clusters.push_back(cluster_numbers_.emplace(ClusterOf(prediction, cluster_), next).first->second);
  }
  // All rows of one run have the same keys, so this looks at one row; records from elsewhere may add some.
  if (category_keys.size() < prediction.category_scores.size()) {
    for (const auto& [key, score] : prediction.category_scores) {
      if (std::find(category_keys.begin(), category_keys.end(), key) == category_keys.end())
        category_keys.push_back(key);
    }
  }
  return {};
}

Result<PredictionTable> ReadTable(const std::string& path, const VerdictRule& rule,
                                  std::vector<std::string> by, const std::string& cluster) {
  PredictionTable table(std::move(by), cluster);
  // Columns that grow by doubling would hold twice the memory of a record of a million rows.
  GATEHOUSE_ASSIGN(const int64_t lines, CountLines(path));
  table.Reserve(static_cast<size_t>(lines));
  GATEHOUSE_ASSIGN(const std::unique_ptr<PredictionReader> reader, PredictionReader::Open(path));
  Prediction prediction;
  while (true) {
    GATEHOUSE_ASSIGN(const bool more, reader->Next(&prediction));
    if (!more) return table;
    GATEHOUSE_TRY(table.Add(prediction, rule));
  }
}

}  // namespace gatehouse

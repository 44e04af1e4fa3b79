// Prediction: what a model said of one row, as one line of predictions.jsonl, the record of an evaluation.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "data/row.h"
#include "gatehouse/result.h"
#include "gatehouse/verdict.h"

namespace gatehouse {

inline constexpr const char* kNoValue = "(none)";  // names the group of rows without a field

struct Prediction {
  std::string id, source, language;
  std::string id_json;  // of id: as the data has it, byte for byte; empty: a string
  std::string role;     // "user" or "assistant"
  // The same for a prompt and all answers to it (prompt_hash.h); empty: a record from elsewhere.
  std::string conversation;
  int images = 0;
  bool unsafe = false;                  // the label
  std::vector<std::string> categories;  // labelled
  bool categories_known = false;
  std::vector<std::string> unlisted_categories;  // labelled, but no keys of the policy

  std::string error;  // not empty: the row could not be judged, and what follows says nothing
  double unsafe_score = 0;
  std::vector<std::pair<std::string, double>> category_scores;
  bool verdict_unsafe = false;
  std::vector<std::string> verdict_categories;
  double ms = 0;
  int tokens = 0;  // of the prompt

  std::vector<std::pair<std::string, std::string>> fields;  // of the row, for --by and --cluster
};

// The value of a field of a row; `otherwise` where the row has none of that name.
std::string FieldOf(const std::vector<std::pair<std::string, std::string>>& fields, const std::string& name,
                    const std::string& otherwise);
// What puts a row into a cluster: its source, or a field.
std::string ClusterOf(const Prediction& prediction, const std::string& name);

Prediction PredictionOf(const EvalRow& row, const Result<Verdict>& verdict);

// One line, without the newline.
std::string PredictionToJson(const Prediction& prediction);
// where: file and line, for errors. Errors: kBadInput.
Result<Prediction> PredictionFromJson(std::string_view line, const std::string& where);

}  // namespace gatehouse

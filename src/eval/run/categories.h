// Tables about single categories: which one was said for which, and each against the rest.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "eval/report/report.h"
#include "eval/run/table.h"
#include "gatehouse/result.h"

namespace gatehouse {

// [category sets of the table]: 1 for the sets that hold the key.
std::vector<uint8_t> SetsHolding(const PredictionTable& table, const std::string& key);

// Rows with exactly one labelled category that is known, by the first category said.
CategoryConfusion ConfusionOf(const PredictionTable& table);

// Each category against the rest, over rows whose categories are known (safe rows are): the score is the
// category's own, the prediction that the verdict lists it. Fills category_against_rest and the macro and
// micro F1. Errors: kBadInput: the record.
Result<void> AddCategoryAgainstRest(const std::string& record, const VerdictRule& rule,
                                    const BootstrapOptions& bootstrap, const PredictionTable& table,
                                    Report* report);

}  // namespace gatehouse

// The rows that a model judged most wrongly, and their texts.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "data/dataset.h"
#include "eval/report/report.h"
#include "eval/run/rule.h"
#include "gatehouse/result.h"

namespace gatehouse {

// A row as the report's lists show it, without its text.
Mistake MistakeOf(const Prediction& prediction, const Decision& decision);

// The 50 unsafe rows with the lowest scores among those called safe, and the 50 safe rows with the highest
// among those called unsafe. Errors: kBadInput: the record.
Result<void> AddMistakes(const std::string& record, const VerdictRule& rule, Report* report);

// Finds the rows by id in the data and copies what was judged, at most 2 000 characters of the last message.
// Errors: kBadInput: the data.
Result<void> AddTexts(std::vector<DatasetReader::Input> data,
                      const std::vector<std::vector<Mistake>*>& lists);

}  // namespace gatehouse

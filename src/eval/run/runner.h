// Runner: judges every row of the data and keeps the record.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "data/dataset.h"
#include "eval/run/selection.h"
#include "gatehouse/guard.h"
#include "gatehouse/result.h"

namespace gatehouse {

struct RunProgress {
  int64_t done = 0, total = 0;
  int64_t judged_now = 0;  // by this process, for the rate
  double seconds = 0;      // since it began to judge
  double f1 = 0;           // of the verdicts of this process so far
};

struct RunOptions {
  std::vector<DatasetReader::Input> data;
  SelectionOptions selection;
  ClassifyOptions request;
  std::string directory;  // of the record
  std::string identity;   // what the predictions depend on: see PredictionWriter
  int at_once = 16;       // rows on their way together; the record is the same, but for times
  // What a row becomes before it is judged, where that is not the row itself, and a text that changes when
  // that does; its id stays.
  std::function<Result<void>(EvalRow*)> prepare = {};
  std::string prepared_by = {};
  bool strict = false;  // the first row that cannot be read or judged ends the run
  std::function<void(const RunProgress&)> progress;  // after each row; may be empty
};

struct RunOutcome {
  std::string record;  // path of predictions.jsonl
  int64_t rows = 0;
  int64_t resumed = 0;               // of them found in the record
  int64_t problem_count = 0;         // rows that could not be read
  std::vector<RowProblem> problems;  // the first thousand of them
};

// Rows that cannot be read are counted and listed in DIRECTORY/problems.jsonl; rows that cannot be judged
// (too long, images for a model without eyes) stand in the record with their error. Labelled categories that
// are no keys of the policy are set apart: such a row counts for no category. Errors: kBadInput: the data,
// data without a row that can be read, or none that can be judged; a record of another run, rows in another
// order than the record's; with `strict` the first problem.
Result<RunOutcome> RunEvaluation(const Guard& guard, const RunOptions& options);

// A text that changes when what predictions depend on changes: the model's files (names, sizes and
// beginnings), its policy's text, how it computes and what it does with images, the options of requests, how
// rows are read, the selection, and the sha256 of every data file. Errors: kBadInput: a data file.
Result<std::string> IdentityOf(const GuardOptions& guard_options, const Guard& guard,
                               const RunOptions& options);

}  // namespace gatehouse

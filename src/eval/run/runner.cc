#include "eval/run/runner.h"

#include <algorithm>
#include <set>

#include "base/elapsed.h"
#include "base/error.h"
#include "base/output_file.h"
#include "data/clean_text.h"
#include "eval/run/record.h"
#include "formats/json.h"
#include "gatehouse/guard.h"
#include "guard/in_order.h"

namespace gatehouse {
namespace {

constexpr size_t kListedProblems = 1000;

// What is left to do with rows once they are read: skip those of the record, judge the others.
class Runner {
 public:
  Runner(const Guard& guard, const RunOptions& options, PredictionWriter& writer, int64_t total)
      : options_(options), writer_(writer), in_order_(guard, options.at_once) {
    progress_.total = total;
    for (const auto& [key, text] : options.request.categories) keys_.insert(key);
    if (!keys_.empty()) return;  // a list of the request's own
    for (const std::string& key : guard.category_keys()) keys_.insert(key);
  }

  // The record's rows come first, and must be the data's first rows.
  Result<void> CheckRecord(const std::string& path) {
    GATEHOUSE_ASSIGN(record_, PredictionReader::Open(path));
    return {};
  }

  Result<void> Row(EvalRow row) {
    if (options_.prepare) GATEHOUSE_TRY(options_.prepare(&row));
    SetForeignKeysApart(&row);
    const int64_t at = progress_.done++;
    if (at < writer_.rows()) {
      Prediction known;
      GATEHOUSE_ASSIGN(const bool more, record_->Next(&known));
      // A number and the same digits as text are two ids.
      if (!more || known.id != row.id || IsText(known.id_json) != IsText(row.id_json) ||
          known.source != row.source) {
        return BadInput("the record does not fit the data",
                        writer_.path() + " line " + std::to_string(at + 1), row.source + " " + row.id,
                        more ? known.source + " " + known.id : "nothing");
      }
      Count(known.error);
      return {};
    }
    const Conversation conversation = row.conversation;
    const auto deliver = [this, row = std::move(row)](const Result<Verdict>& verdict) {
      return Judged(row, verdict);
    };
    return in_order_.Put(conversation, options_.request, deliver);
  }
  // The answers that are on their way.
  Result<void> Flush() { return in_order_.Flush(); }
  int64_t done() const { return progress_.done; }
  // Of the rows: "" where one at least has a verdict.
  std::string error_of_all() const { return any_judged_ ? std::string() : first_error_; }

 private:
  // In the order of the rows.
  Result<void> Judged(const EvalRow& row, const Result<Verdict>& verdict) {
    if (!verdict.ok() && (options_.strict || verdict.error().code == ErrorCode::kInternal))
      return verdict.error();
    const Prediction made = PredictionOf(row, verdict);
    GATEHOUSE_TRY(writer_.Append(made));
    Count(made.error);
    if (verdict.ok()) {
      tp_ += verdict->unsafe && row.unsafe;
      wrong_ += verdict->unsafe != row.unsafe;
    }
    ++progress_.judged_now;
    if (options_.progress) {
      progress_.seconds = SecondsSince(begin_);
      const double counted = 2.0 * static_cast<double>(tp_) + static_cast<double>(wrong_);
      progress_.f1 = counted > 0 ? 2.0 * static_cast<double>(tp_) / counted : 0;
      options_.progress(progress_);
    }
    return {};
  }
  static bool IsText(const std::string& id_json) { return id_json.empty() || id_json.front() == '"'; }

  void Count(const std::string& error) {
    if (error.empty()) any_judged_ = true;
    if (!any_judged_ && first_error_.empty()) first_error_ = error;
  }

  void SetForeignKeysApart(EvalRow* row) const {
    const auto foreign = std::stable_partition(row->categories.begin(), row->categories.end(),
                                               [&](const std::string& key) { return keys_.count(key) > 0; });
    if (foreign == row->categories.end()) return;
    for (auto key = foreign; key != row->categories.end(); ++key)
      row->unlisted_categories.push_back(CleanText(*key, 64));
    row->categories.erase(foreign, row->categories.end());
    row->categories_known = false;
  }

  const RunOptions& options_;
  PredictionWriter& writer_;
  InOrder in_order_;
  std::unique_ptr<PredictionReader> record_;
  RunProgress progress_;
  std::set<std::string> keys_;  // of the policy, or of the request
  int64_t tp_ = 0, wrong_ = 0;
  bool any_judged_ = false;
  std::string first_error_;
  Clock::time_point begin_ = Clock::now();
};

Result<void> WriteProblems(const std::string& path, const std::vector<RowProblem>& problems) {
  std::string text;
  for (const RowProblem& problem : problems) {
    const Json line = {{"file", problem.file}, {"line", problem.line}, {"reason", problem.reason}};
    text += (problem.id_json.empty() ? JsonLine(line) : WithId(problem.id_json, JsonLine(line))) + "\n";
  }
  return WriteFile(path, text);
}

// A run over nothing is no success: figures of no rows would be taken for figures.
Result<void> CheckAnyRow(const RunOptions& options, const RunOutcome& outcome, int64_t rows_read,
                         const std::string& error_of_all) {
  const std::string data = options.data.empty() ? std::string() : options.data.front().path;
  if (outcome.rows > 0) {
    if (error_of_all.empty()) return {};
    return BadInput("no row could be judged", outcome.record, "at least one verdict",
                    std::to_string(outcome.rows) + " errors; the first: " + error_of_all);
  }
  if (rows_read > 0)
    return BadInput("no row is selected", data, "at least one row that --where takes",
                    "none of " + std::to_string(rows_read));
  if (outcome.problems.empty()) return BadInput("no rows", data, "at least one row", "none");
  const RowProblem& first = outcome.problems.front();
  return BadInput("no row could be read", first.file, "at least one row",
                  std::to_string(outcome.problem_count) + " that cannot be read; the first, line " +
                      std::to_string(first.line) + ": " + first.reason);
}

}  // namespace

Result<RunOutcome> RunEvaluation(const Guard& guard, const RunOptions& options) {
  GATEHOUSE_ASSIGN(const Selection selection, Selection::Make(options.data, options.selection));
  GATEHOUSE_ASSIGN(const std::unique_ptr<PredictionWriter> writer,
                   PredictionWriter::Open(options.directory, options.identity));
  RunOutcome out;
  out.record = writer->path();
  out.resumed = writer->rows();
  int64_t rows_read = 0;
  Runner runner(guard, options, *writer, selection.rows());
  GATEHOUSE_TRY(runner.CheckRecord(writer->path()));
  GATEHOUSE_ASSIGN(const std::unique_ptr<DatasetReader> reader, DatasetReader::Open(options.data));
  while (true) {
    GATEHOUSE_ASSIGN(const auto next, reader->Next());
    if (!next) break;
    if (const RowProblem* problem = std::get_if<RowProblem>(&*next)) {
      if (options.strict) GATEHOUSE_TRY(runner.Flush());  // a row before it may have had a problem first
      if (options.strict)
        return BadInput(problem->reason, problem->file + " line " + std::to_string(problem->line));
      ++out.problem_count;
      if (out.problems.size() < kListedProblems) out.problems.push_back(*problem);
      continue;
    }
    const EvalRow& row = std::get<EvalRow>(*next);
    ++rows_read;
    if (selection.Takes(row)) GATEHOUSE_TRY(runner.Row(row));
  }
  GATEHOUSE_TRY(runner.Flush());
  out.rows = runner.done();
  if (out.rows < out.resumed) {
    return BadInput("the record does not fit the data", writer->path(), std::to_string(out.rows) + " rows",
                    std::to_string(out.resumed));
  }
  GATEHOUSE_TRY(writer->Close());
  GATEHOUSE_TRY(WriteProblems(options.directory + "/problems.jsonl", out.problems));
  GATEHOUSE_TRY(CheckAnyRow(options, out, rows_read, runner.error_of_all()));
  return out;
}

}  // namespace gatehouse

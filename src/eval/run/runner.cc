#include "eval/run/runner.h"

#include <chrono>

#include "base/error.h"
#include "base/output_file.h"
#include "eval/run/record.h"
#include "formats/json.h"

namespace gatehouse {
namespace {

constexpr size_t kListedProblems = 1000;

using Clock = std::chrono::steady_clock;

// What is left to do with rows once they are read: skip those of the record, judge the others.
class Runner {
 public:
  Runner(const Guard& guard, const RunOptions& options, PredictionWriter& writer, int64_t total)
      : guard_(guard), options_(options), writer_(writer) {
    progress_.total = total;
  }

  // The record's rows come first, and must be the data's first rows.
  Result<void> CheckRecord(const std::string& path) {
    GATEHOUSE_ASSIGN(record_, PredictionReader::Open(path));
    return {};
  }

  Result<void> Row(const EvalRow& row) {
    const int64_t at = progress_.done++;
    if (at < writer_.rows()) {
      Prediction known;
      GATEHOUSE_ASSIGN(const bool more, record_->Next(&known));
      if (!more || known.id != row.id || known.source != row.source) {
        return BadInput("the record does not fit the data",
                        writer_.path() + " line " + std::to_string(at + 1), row.source + " " + row.id,
                        more ? known.source + " " + known.id : "nothing");
      }
      return {};
    }
    const Result<Verdict> verdict = guard_.Classify(row.conversation, options_.request);
    if (!verdict.ok() && (options_.strict || verdict.error().code == ErrorCode::kInternal))
      return verdict.error();
    GATEHOUSE_TRY(writer_.Append(PredictionOf(row, verdict)));
    if (verdict.ok()) {
      tp_ += verdict->unsafe && row.unsafe;
      wrong_ += verdict->unsafe != row.unsafe;
    }
    ++progress_.judged_now;
    if (options_.progress) {
      progress_.seconds = std::chrono::duration<double>(Clock::now() - begin_).count();
      const double counted = 2.0 * static_cast<double>(tp_) + static_cast<double>(wrong_);
      progress_.f1 = counted > 0 ? 2.0 * static_cast<double>(tp_) / counted : 0;
      options_.progress(progress_);
    }
    return {};
  }
  int64_t done() const { return progress_.done; }

 private:
  const Guard& guard_;
  const RunOptions& options_;
  PredictionWriter& writer_;
  std::unique_ptr<PredictionReader> record_;
  RunProgress progress_;
  int64_t tp_ = 0, wrong_ = 0;
  Clock::time_point begin_ = Clock::now();
};

Result<void> WriteProblems(const std::string& path, const std::vector<RowProblem>& problems) {
  std::string text;
  for (const RowProblem& problem : problems) {
    const Json line = {{"file", problem.file}, {"line", problem.line}, {"reason", problem.reason}};
    text += line.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
  }
  return WriteFile(path, text);
}

}  // namespace

Result<RunOutcome> RunEvaluation(const Guard& guard, const RunOptions& options) {
  GATEHOUSE_ASSIGN(const Selection selection, Selection::Make(options.data, options.selection));
  GATEHOUSE_ASSIGN(const std::unique_ptr<PredictionWriter> writer,
                   PredictionWriter::Open(options.directory, options.identity));
  RunOutcome out;
  out.record = writer->path();
  out.resumed = writer->rows();
  Runner runner(guard, options, *writer, selection.rows());
  GATEHOUSE_TRY(runner.CheckRecord(writer->path()));
  GATEHOUSE_ASSIGN(const std::unique_ptr<DatasetReader> reader, DatasetReader::Open(options.data));
  while (true) {
    GATEHOUSE_ASSIGN(const auto next, reader->Next());
    if (!next) break;
    if (const RowProblem* problem = std::get_if<RowProblem>(&*next)) {
      if (options.strict)
        return BadInput(problem->reason, problem->file + " line " + std::to_string(problem->line));
      ++out.problem_count;
      if (out.problems.size() < kListedProblems) out.problems.push_back(*problem);
      continue;
    }
    const EvalRow& row = std::get<EvalRow>(*next);
    if (selection.Takes(row)) GATEHOUSE_TRY(runner.Row(row));
  }
  out.rows = runner.done();
  if (out.rows < out.resumed) {
    return BadInput("the record does not fit the data", writer->path(), std::to_string(out.rows) + " rows",
                    std::to_string(out.resumed));
  }
  GATEHOUSE_TRY(writer->Close());
  GATEHOUSE_TRY(WriteProblems(options.directory + "/problems.jsonl", out.problems));
  return out;
}

}  // namespace gatehouse

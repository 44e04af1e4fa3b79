#include "cli/eval_system.h"

#include <fmt/core.h>

#include "base/error.h"
#include "base/input_file.h"
#include "base/output_file.h"
#include "cli/eval_run.h"
#include "cli/generate.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "eval/run/system.h"

namespace gatehouse::cli {
namespace {

using Data = std::vector<DatasetReader::Input>;

SystemRecords RecordsOf(const std::string& directory) {
  const auto record = [&](const char* side) { return directory + "/" + side + "/predictions.jsonl"; };
  return {record("input"), record("output"), record("judge")};
}

SystemRowsOptions RowsOptionsOf(const EvalFlags& flags, const Data& data) {
  SystemRowsOptions out;
  out.data = data;
  out.refused_field = flags.system.refused_field;
  out.prompt_field = flags.system.prompt_field;
  return out;
}

// The answers' file, in place of the data.
Result<Data> Generated(const EvalFlags& flags, const Data& data, const std::string& directory) {
  GATEHOUSE_ASSIGN(const SystemRows rows, SystemRows::Make(RowsOptionsOf(flags, data)));
  GenerateOptions options;
  options.data = data;
  GATEHOUSE_ASSIGN(options.selection, flags.Selection());
  options.directory = directory;
  options.url = flags.system.generate;
  options.model = flags.system.model;
  options.api_key = flags.system.api_key;
  options.max_tokens = flags.system.max_tokens;
  options.timeout = flags.system.timeout;
  options.at_once = flags.at_once;
  options.strict = flags.strict;
  Progress progress("answers");
  options.progress = [&](int64_t done, int64_t total) { progress.Update(done, total); };
  GATEHOUSE_ASSIGN(const Generation made, GenerateAnswers(options, rows));
  progress.Clear();
  Note("{}: {} answers, {} of them from before, {} prompts without one\n", made.path, made.rows, made.resumed,
       made.failed);
  DatasetReader::Input input{made.path, {}};
  input.format.format = "gatehouse";
  input.format.label = "safe";  // in place of none: the rows say themselves that it is not known
  return Data{input};
}

Result<void> Judge(const EvalFlags& flags, const GuardOptions& guard_options, const SystemRows& rows,
                   const RunOptions& base, const std::vector<Side>& sides, const std::string& directory,
                   const std::string& name) {
  GATEHOUSE_ASSIGN(const Guard guard, Guard::Load(guard_options));
  for (const Side side : sides) {
    RunOptions options = base;
    const std::string folder = name.empty() ? SideName(side) : name;
    options.directory = directory + "/" + folder;
    options.prepare = [&rows, side](EvalRow* row) { return rows.Prepare(side, row); };
    options.prepared_by = std::string(SideName(side)) + "; " + rows.Rule();
    if (!flags.request.threshold.empty() && !name.empty())
      options.request.thresholds = {};  // the judge's are its own
    GATEHOUSE_TRY(RunShown(guard_options, guard, std::move(options), folder));
  }
  return {};
}

Result<SystemRecords> RunSystem(const EvalFlags& flags, Data data, const std::string& directory) {
  if (data.empty()) return UsageError("no data", "eval", "--data FILE or --from DIRECTORY", "none of them");
  GATEHOUSE_TRY(DatasetReader::Open(data));
  SelectionOptions answers;  // of generated ones all were selected before
  const bool live = !flags.system.generate.empty();
  if (live) {
    GATEHOUSE_ASSIGN(data, Generated(flags, data, directory));
  }
  GATEHOUSE_ASSIGN(const SystemRows rows, SystemRows::Make(RowsOptionsOf(flags, data)));
  GATEHOUSE_ASSIGN(RunOptions base, RunOptionsOf(flags, data, directory));
  if (live) base.selection = answers;
  base.selection.where.emplace_back("role", "assistant");
  GATEHOUSE_ASSIGN(const GuardOptions guard_options, flags.model.Resolve());
  GATEHOUSE_TRY(Judge(flags, guard_options, rows, base, {Side::kInput, Side::kOutput}, directory, {}));
  SystemRecords records = RecordsOf(directory);
  if (flags.system.judge.empty()) {
    records.judge.clear();
    return records;
  }
  GuardOptions judge = guard_options;
  judge.model = flags.system.judge;
  judge.policy.clear();
  judge.adapter.clear();
  RunOptions judged = base;
  judged.request.keys.clear();  // it judges by all of its own categories
  judged.request.exclude.clear();
  judged.request.categories.clear();
  GATEHOUSE_TRY(Judge(flags, judge, rows, judged, {Side::kOutput}, directory, "judge"));
  return records;
}

Result<void> NameJudge(const EvalFlags& flags, const SystemRecords& records, const ReportOptions& guard,
                       SystemReport* report) {
  if (records.judge.empty()) return {};
  GATEHOUSE_ASSIGN(const ReportOptions judge, flags.Report(records.judge));
  report->judge = judge.model + (judge.policy.empty() ? "" : " with " + judge.policy);
  report->judge_is_guard = judge.fingerprint == guard.fingerprint;
  return {};
}

}  // namespace

Result<int> EvaluateSystem(const EvalFlags& flags, std::vector<DatasetReader::Input> data) {
  std::string directory = flags.report.empty() ? "eval-report" : flags.report;
  SystemRecords records;
  if (flags.from.empty()) {
    GATEHOUSE_ASSIGN(records, RunSystem(flags, std::move(data), directory));
  } else {
    records = RecordsOf(flags.from);
    GATEHOUSE_ASSIGN(const bool judged, IsThere(records.judge));
    if (!judged) records.judge.clear();
    if (flags.report.empty()) directory = flags.from;
  }
  GATEHOUSE_ASSIGN(const ReportOptions options, flags.Report(records.output));
  GATEHOUSE_ASSIGN(SystemReport report, BuildSystemReport(records, options));
  GATEHOUSE_TRY(NameJudge(flags, records, options, &report));
  GATEHOUSE_ASSIGN(const int64_t problems, ProblemsOf(DirectoryOf(records.output)));
  report.problems += problems;
  GATEHOUSE_TRY(MakeDirectories(directory));
  GATEHOUSE_TRY(WriteFile(directory + "/system.json", SystemReportJson(report)));
  GATEHOUSE_TRY(WriteFile(directory + "/system.html", SystemReportPage(report)));
  GATEHOUSE_TRY(PrintText(SystemReportTable(report, TerminalWidth(), OnTerminal())));
  GATEHOUSE_TRY(Print("\n{0}/system.json, {0}/system.html\n", directory));
  return 0;
}

}  // namespace gatehouse::cli

// gatehouse eval: judges labelled conversations and reports how good the verdicts are.
#include <fmt/core.h>

#include "base/error.h"
#include "base/output_file.h"
#include "cli/eval_flags.h"
#include "cli/eval_run.h"
#include "cli/eval_system.h"
#include "cli/output.h"
#include "data/held_pipe.h"
#include "eval/report/report.h"
#include "eval/run/compare.h"
#include "eval/run/mistakes.h"
#include "eval/run/runner.h"
#include "eval/run/tune.h"
#include "formats/json_object.h"

namespace gatehouse::cli {
namespace {

using Inputs = std::vector<DatasetReader::Input>;

// Judges, or goes on judging; the path of the record.
Result<std::string> Run(const EvalFlags& flags, const Inputs& data, const std::string& directory) {
  if (data.empty())
    return UsageError("no data", "eval", "--data FILE, --from RECORD or --compare A B", "none of them");
  // A file that is none of rows is said before a large model is loaded.
  GATEHOUSE_TRY(DatasetReader::Open(data));
  GATEHOUSE_ASSIGN(RunOptions options, RunOptionsOf(flags, data, directory));
  GATEHOUSE_ASSIGN(const GuardOptions guard_options, flags.model.Resolve());
  GATEHOUSE_ASSIGN(const Guard guard, Guard::Load(guard_options));
  GATEHOUSE_ASSIGN(const RunOutcome outcome, RunShown(guard_options, guard, std::move(options), "eval"));
  return outcome.record;
}

// Texts of the lists' rows, where the data is at hand.
Result<void> FillTexts(const Inputs& data, const std::vector<std::vector<Mistake>*>& lists) {
  return data.empty() ? Result<void>() : AddTexts(data, lists);
}

Result<int> ReportOn(const EvalFlags& flags, const Inputs& data, const std::string& record,
                     const std::string& directory) {
  GATEHOUSE_ASSIGN(const ReportOptions options, flags.Report(record));
  GATEHOUSE_ASSIGN(Report report, BuildReport(record, options));
  GATEHOUSE_ASSIGN(const int64_t problems, ProblemsOf(DirectoryOf(record)));
  report.problems += problems;
  GATEHOUSE_TRY(FillTexts(data, {&report.mistakes}));
  GATEHOUSE_TRY(MakeDirectories(directory));
  GATEHOUSE_TRY(WriteFile(directory + "/report.json", ReportJson(report)));
  GATEHOUSE_TRY(WriteFile(directory + "/report.html", ReportPage(report)));
  GATEHOUSE_TRY(PrintText(ReportTable(report, TerminalWidth(), OnTerminal())));
  GATEHOUSE_TRY(Print("\n{0}/report.json, {0}/report.html\n", directory));
  return 0;
}

Result<int> CompareRecords(const EvalFlags& flags, const Inputs& data, const std::string& directory) {
  std::vector<std::string> records;
  std::vector<ReportOptions> options;
  for (const std::string& path : flags.compare) {
    records.push_back(RecordPath(path));
    GATEHOUSE_ASSIGN(ReportOptions one, flags.Report(records.back()));
    options.push_back(std::move(one));
  }
  GATEHOUSE_ASSIGN(Comparison comparison, Compare(records, options));
  std::vector<std::vector<Mistake>*> lists;
  for (Report& report : comparison.reports) lists.push_back(&report.mistakes);
  for (Comparison::Against& against : comparison.against) lists.push_back(&against.changed);
  GATEHOUSE_TRY(FillTexts(data, lists));
  GATEHOUSE_TRY(MakeDirectories(directory));
  GATEHOUSE_TRY(WriteFile(directory + "/comparison.json", ComparisonJson(comparison)));
  GATEHOUSE_TRY(WriteFile(directory + "/comparison.html", ComparisonPage(comparison)));
  GATEHOUSE_TRY(PrintText(ComparisonTable(comparison, TerminalWidth(), OnTerminal())));
  GATEHOUSE_TRY(Print("\n{0}/comparison.json, {0}/comparison.html\n", directory));
  return 0;
}

// calibration: that the record's scores get first.
Result<int> FindThresholds(const EvalFlags& flags, const std::string& record, const std::string& directory,
                           const Calibration& calibration) {
  GATEHOUSE_ASSIGN(ThresholdGoal goal, ParseThresholdGoal(flags.threshold_search));
  goal.weigh_sources = flags.weigh == "source";
  GATEHOUSE_ASSIGN(const FoundThresholds found,
                   SearchThresholds(record, goal, flags.per_category, calibration));
  const auto line = [](const std::string& name, const OperatingPoint& point) {
    return Print("{:10} {:.6f}   recall {}   FPR {:.4f}   F1 {}\n", name, point.threshold,
                 point.recall ? fmt::format("{:.4f}", *point.recall) : "-", point.fpr,
                 point.f1 ? fmt::format("{:.4f}", *point.f1) : "-");
  };
  GATEHOUSE_TRY(line("threshold", found.overall));
  for (const auto& [key, point] : found.categories) GATEHOUSE_TRY(line(key, point));
  for (const auto& [key, count] : found.too_few)
    GATEHOUSE_TRY(Print("{:10} none: {} unsafe rows, 50 are needed\n", key, count));
  GATEHOUSE_TRY(MakeDirectories(directory));
  GATEHOUSE_TRY(WriteFile(directory + "/thresholds.json", ThresholdsJson(found)));
  if (goal.weigh_sources) GATEHOUSE_TRY(Print("{:10} every source counts the same\n", ""));
  GATEHOUSE_TRY(Print("\nuse it with --threshold @{}/thresholds.json{}\n", directory,
                      flags.calibrate ? " and a policy with that calibration" : ""));
  return 0;
}

// The calibration of the record's scores.
Result<Calibration> FitScores(const EvalFlags& flags, const std::string& record,
                              const std::string& directory) {
  GATEHOUSE_ASSIGN(const ReportOptions options, flags.Report(record));
  GATEHOUSE_ASSIGN(const CalibrationReport fit, Calibrate(record, options.calibration, flags.cluster));
  GATEHOUSE_TRY(Print("fitted on {} rows: scale {:.6f}, bias {:.6f}\n", fit.fit_rows, fit.fitted.scale,
                      fit.fitted.bias));
  GATEHOUSE_TRY(Print("on {} others: ECE {:.4f} before, {:.4f} after; log loss {:.4f} before, {:.4f} after\n",
                      fit.test_rows, fit.ece_before.value_or(0), fit.ece_after.value_or(0), fit.loss_before,
                      fit.loss_after));
  const auto before_after = [](double before, double after) {
    JsonObject out;
    out.Add("before", before).Add("after", after);
    return out;
  };
  const std::string json =
      JsonObject()
          .Add("calibration", JsonObject().Add("scale", fit.policy.scale).Add("bias", fit.policy.bias))
          .Add("fit_rows", fit.fit_rows)
          .Add("test_rows", fit.test_rows)
          .Add("ece", before_after(fit.ece_before.value_or(0), fit.ece_after.value_or(0)))
          .Add("log_loss", before_after(fit.loss_before, fit.loss_after))
          .Text();
  GATEHOUSE_TRY(MakeDirectories(directory));
  GATEHOUSE_TRY(WriteFile(directory + "/calibration.json", json + "\n"));
  GATEHOUSE_TRY(Print("\nput \"calibration\" of {}/calibration.json into a policy\n", directory));
  return fit.fitted;
}

// A calibration, thresholds, or thresholds of calibrated scores.
Result<int> Tune(const EvalFlags& flags, const std::string& record, const std::string& directory) {
  Calibration calibration;
  if (flags.calibrate) {
    GATEHOUSE_ASSIGN(calibration, FitScores(flags, record, directory));
  }
  if (flags.threshold_search.empty()) return 0;
  if (flags.calibrate) GATEHOUSE_TRY(Print("\n"));
  return FindThresholds(flags, record, directory, calibration);
}

Result<int> Eval(const EvalFlags& flags) {
  if (!flags.compare.empty() && !flags.from.empty())
    return UsageError("two kinds of work", "eval", "--from or --compare", "both");
  if (flags.threshold_search.empty() && flags.weigh != "row")
    return UsageError("nothing to weigh", "--weigh", "with --threshold-search", "alone");
  GATEHOUSE_TRY(flags.system.Check());
  GATEHOUSE_ASSIGN(Inputs data, flags.Inputs());
  GATEHOUSE_TRY(HoldPipes(&data));
  std::string directory = flags.report;
  if (flags.system.asked) {
    if (!flags.compare.empty() || !flags.threshold_search.empty() || flags.calibrate)
      return UsageError("two kinds of work", "eval", "--system-level alone", "another kind beside it");
    return EvaluateSystem(flags, std::move(data));
  }
  if (!flags.compare.empty())
    return CompareRecords(flags, data, directory.empty() ? "eval-report" : directory);
  std::string record;
  if (!flags.from.empty()) {
    record = RecordPath(flags.from);
    if (directory.empty()) directory = DirectoryOf(record);
  } else {
    if (directory.empty()) directory = "eval-report";
    GATEHOUSE_ASSIGN(record, Run(flags, data, directory));
  }
  if (flags.calibrate || !flags.threshold_search.empty()) return Tune(flags, record, directory);
  return ReportOn(flags, data, record, directory);
}

}  // namespace

void AddEval(Command& gatehouse) {
  Command& command =
      gatehouse.Add("eval", "Judge labelled conversations and report how good the verdicts are");
  command.Footer(
      "Examples:\n"
      "  gatehouse eval --data test.jsonl.gz --report out\n"
      "  gatehouse eval --data prompts.csv --map prompt=text,label=is_toxic\n"
      "  gatehouse eval --data datasets/xstest.json --sample 200\n"
      "  gatehouse eval --from out --at-fpr 0.01 --by split\n"
      "  gatehouse eval --from valid --threshold-search max-f1 --per-category\n"
      "  gatehouse eval --from valid --calibrate --threshold-search max-f1,fpr=0.1 --weigh source\n"
      "  gatehouse eval --compare bf16 q8 --report bf16-q8\n"
      "  gatehouse eval --system-level --data answers.jsonl --report filtered\n"
      "  gatehouse eval --system-level --data prompts.jsonl --generate http://127.0.0.1:8000/v1 --judge DIR\n"
      "A run that was stopped goes on where it was when the same command is given again.");
  auto flags = std::make_shared<EvalFlags>();
  flags->AddTo(command);
  command.Does([=] { return Eval(*flags); });
}

}  // namespace gatehouse::cli

#include "cli/eval_run.h"

#include <fmt/core.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/input_file.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "eval/run/record.h"

namespace gatehouse::cli {

int TerminalWidth() {
  constexpr int kUsual = 110;
  winsize size{};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  return kUsual;
}
bool OnTerminal() { return ::isatty(STDOUT_FILENO) == 1; }

Result<RunOptions> RunOptionsOf(const EvalFlags& flags, const std::vector<DatasetReader::Input>& data,
                                const std::string& directory) {
  RunOptions options;
  options.data = data;
  GATEHOUSE_ASSIGN(options.selection, flags.Selection());
  GATEHOUSE_ASSIGN(options.request, flags.request.Resolve());
  options.directory = directory;
  options.strict = flags.strict;
  options.at_once = flags.at_once;
  return options;
}

Result<RunOutcome> RunShown(const GuardOptions& guard_options, const Guard& guard, RunOptions options,
                            const std::string& what) {
  GATEHOUSE_ASSIGN(options.identity, IdentityOf(guard_options, guard, options));
  Progress progress(what);
  // Of rows that were prepared the labels are not those of what is judged.
  const bool shows_f1 = !options.prepare;
  options.progress = [&](const RunProgress& at) {
    const double rate = at.seconds > 0 ? static_cast<double>(at.judged_now) / at.seconds : 0;
    progress.Show(fmt::format("{} {}/{}  {:.1f} rows/s  {:.0f} s left{}", what, at.done, at.total, rate,
                              rate > 0 ? static_cast<double>(at.total - at.done) / rate : 0.0,
                              shows_f1 ? fmt::format("  F1 {:.3f}", at.f1) : ""),
                  at.done == at.total);
  };
  GATEHOUSE_ASSIGN(RunOutcome outcome, RunEvaluation(guard, options));
  progress.Clear();
  if (outcome.resumed > 0)
    Note("went on with {}: {} of {} rows were there\n", outcome.record, outcome.resumed, outcome.rows);
  if (outcome.problem_count > 0) {
    const RowProblem& first = outcome.problems.front();
    Note("{} rows could not be read ({}/problems.jsonl); the first: {} line {}: {}\n", outcome.problem_count,
         options.directory, first.file, first.line, first.reason);
  }
  return outcome;
}

Result<int64_t> ProblemsOf(const std::string& directory) {
  const std::string path = directory + "/problems.jsonl";
  GATEHOUSE_ASSIGN(const bool there, IsThere(path));
  return there ? CountLines(path) : Result<int64_t>(int64_t{0});
}

}  // namespace gatehouse::cli

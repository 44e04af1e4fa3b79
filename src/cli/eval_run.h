// What the kinds of `gatehouse eval` share: judging with progress and notes, and the terminal.
#pragma once

#include <string>
#include <vector>

#include "cli/eval_flags.h"
#include "eval/run/runner.h"
#include "gatehouse/guard.h"
#include "gatehouse/result.h"

namespace gatehouse::cli {

int TerminalWidth();
bool OnTerminal();

// Data, selection and request of a run, from the flags. Errors: kUsage.
Result<RunOptions> RunOptionsOf(const EvalFlags& flags, const std::vector<DatasetReader::Input>& data,
                                const std::string& directory);
// Judges, or goes on judging; says on stderr how far it is, as `what`, and what could not be read.
Result<RunOutcome> RunShown(const GuardOptions& guard_options, const Guard& guard, RunOptions options,
                            const std::string& what);
// Lines of problems.jsonl in a directory.
Result<int64_t> ProblemsOf(const std::string& directory);

}  // namespace gatehouse::cli

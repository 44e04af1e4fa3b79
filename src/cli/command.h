// What the subcommands share: each adds itself to the command line and says what to run.
#pragma once

#include <string>
#include <vector>

#include "cli/command_line.h"
#include "gatehouse/guard.h"
#include "gatehouse/result.h"

namespace gatehouse::cli {

void AddClassify(Command& gatehouse);
void AddInspect(Command& gatehouse);
void AddConvert(Command& gatehouse);
void AddPrune(Command& gatehouse);
void AddBench(Command& gatehouse);
void AddEval(Command& gatehouse);
void AddTrain(Command& gatehouse);
void AddServe(Command& gatehouse);
void AddKey(Command& gatehouse);
// And --version.
void AddVersion(Command& gatehouse);

constexpr int kExitUnsafe = 10;  // classify --exit-verdict

// Sends the library's log to standard error. level: one of those that --log-level takes.
void SetUpLog(const std::string& level);

// What `gatehouse version` and --version print. Errors: kUsage: GATEHOUSE_ISA names none that this machine
// has.
Result<std::string> VersionText(bool verbose);

// Options of every command that loads a model.
struct ModelFlags {
  GuardOptions guard;
  std::string alpha = "drop";
  std::string kv = "auto";
  bool no_exif = false;
  std::string log_level = "warn";

  void AddTo(Command& command);
  // The options with the model found: --model, $GATEHOUSE_MODEL, the installed starter, the build tree's
  // starter. Errors: kModel where there is none.
  Result<GuardOptions> Resolve() const;
};

// What becomes of conversations that are longer than a prompt may be.
struct LongFlags {
  std::string mode = "windows";
  int max_prompt_tokens = 0;
  int max_windows = 64;
  bool normalise = false;

  void AddTo(Command& command);
  void ApplyTo(ClassifyOptions* out) const;
};

// Options of every command that renders a prompt.
struct RequestFlags {
  std::string categories;  // KEY,KEY or @FILE or inline JSON
  std::vector<std::string> exclude;
  std::string threshold;
  std::string system = "refuse";
  std::string tools = "judge";
  std::string merge = "off";
  std::string image_root;
  bool raw_output = false;
  std::string decision = "score";
  LongFlags long_input;

  void AddTo(Command& command);
  Result<ClassifyOptions> Resolve() const;
};

}  // namespace gatehouse::cli

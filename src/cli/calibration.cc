#include "cli/calibration.h"

#include <fmt/core.h>

#include "base/error.h"
#include "cli/command.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "data/dataset.h"
#include "data/held_pipe.h"
#include "eval/run/selection.h"
#include "guard/load.h"
#include "guard/tokenizer_of.h"
#include "policy/prompt.h"
#include "policy/verdict.h"
#include "quantise/calibrated_recipe.h"

namespace gatehouse::cli {
namespace {

constexpr int64_t kFewestPrompts = 8;  // moments of fewer say nothing about the next conversation

struct Prompts {
  std::vector<TokenIds> ids;
  int64_t left_out = 0;  // rows with images, and those longer than the policy allows
};

// Every conversation of the file that is text, or a sample of them, in the model's own prompt.
Result<Prompts> ReadPrompts(const ConvertOptions& options, const CalibrationFlags& flags) {
  GATEHOUSE_ASSIGN(const std::unique_ptr<Checkpoint> checkpoint,
                   Checkpoint::Open(options.input, options.adapter));
  GATEHOUSE_ASSIGN(const std::shared_ptr<const Tokenizer> tokenizer, TokenizerOf(*checkpoint));
  GuardOptions guard;
  guard.model = options.input;
  guard.policy = options.policy;
  guard.adapter = options.adapter;
  GATEHOUSE_ASSIGN(const Policy policy, PolicyFor(guard, *checkpoint, *tokenizer));
  GATEHOUSE_TRY(CheckPolicy(policy, *tokenizer));

  std::vector<DatasetReader::Input> data = {{flags.file, {}}};
  GATEHOUSE_TRY(HoldPipes(&data));
  GATEHOUSE_ASSIGN(const Selection selection, Selection::Make(data, {.where = {}, .sample = flags.rows}));
  GATEHOUSE_ASSIGN(const std::unique_ptr<DatasetReader> reader, DatasetReader::Open(data));
  Prompts out;
  while (true) {
    GATEHOUSE_ASSIGN(const auto next, reader->Next());
    if (!next) break;
    if (const auto* problem = std::get_if<RowProblem>(&*next)) {
      return BadInput("bad row in calibration data", problem->file + " line " + std::to_string(problem->line),
                      "a conversation", problem->reason);
    }
    const auto& row = std::get<EvalRow>(*next);
    if (!selection.Takes(row)) continue;
    if (row.images() > 0) {
      ++out.left_out;
      continue;
    }
    GATEHOUSE_ASSIGN(const Prompt prompt, RenderPrompt(policy, row.conversation, {}));
    GATEHOUSE_ASSIGN(TokenisedPrompt tokens, TokenisePrompt(prompt, *tokenizer, {}));
    if (static_cast<int64_t>(tokens.ids.size()) > policy.max_prompt_tokens) {
      ++out.left_out;
      continue;
    }
    out.ids.push_back(std::move(tokens.ids));
  }
  if (static_cast<int64_t>(out.ids.size()) < kFewestPrompts) {
    return BadInput("too few conversations to calibrate with", flags.file,
                    "at least " + std::to_string(kFewestPrompts) + " of text that fit the policy",
                    std::to_string(out.ids.size()));
  }
  return out;
}

}  // namespace

void CalibrationFlags::AddTo(Command& command) {
  command.Path("--calibrate", &file,
               "with --quant: round by what the model computes for these conversations (a file that "
               "`eval --data` reads; not the one you test on)");
  command.Value("--calibrate-rows", &rows, "conversations taken from it, evenly from its sources")
      .Between(1, 1 << 20);
  command.Value("--calibrate-memory", &memory, "for calibration (4GB); less means more passes").Bytes();
  command
      .Value("--calibrate-finer", &finer,
             "percent of the rounded weights that keep a finer format (q8: bf16, q4: q8), those that "
             "rounding hurts most; less makes a smaller model (q8: 8, q4: 50)")
      .Between(0.0, 100.0);
  command.Value("--log-level", &log_level, "trace, debug, info, warn, error or off")
      .OneOf({"trace", "debug", "info", "warn", "error", "off"});
}

Result<int> ConvertCalibrated(ConvertOptions options, const CalibrationFlags& flags) {
  SetUpLog(flags.log_level);
  if (!options.quant)
    return UsageError("nothing to calibrate", "--calibrate", "with --quant q8 or q4", "--quant bf16");
  GATEHOUSE_ASSIGN(Prompts prompts, ReadPrompts(options, flags));
  Progress progress("convert");
  std::optional<double> finer_share;
  if (flags.finer) finer_share = *flags.finer / 100.0;
  CalibratedRecipe recipe({.prompts = std::move(prompts.ids),
                           .threads = options.threads,
                           .memory = static_cast<int64_t>(flags.memory),
                           .format = *options.quant,
                           .finer_share = finer_share,
                           .progress = [&](const std::string& step, int64_t done, int64_t total) {
                             progress.Show(fmt::format("calibrate: {} {}/{}", step, done, total), false);
                           }});
  options.recipe = &recipe;
  GATEHOUSE_TRY(Convert(options, [&](int64_t done, int64_t total) { progress.Update(done, total); }));
  progress.Clear();
  const CalibrationSummary& summary = recipe.summary();
  GATEHOUSE_TRY(
      Print("calibrated with {} conversations ({} tokens, {} passes), {} left out; {} inputs smoothed\n",
            summary.prompts, summary.rows, summary.passes, prompts.left_out, summary.smoothed));
  GATEHOUSE_TRY(
      Print("{} weights, {:.1f} % of those rounded, keep {}:", summary.finer.size(),
            100.0 * static_cast<double>(summary.finer_weights) / static_cast<double>(summary.weights),
            options.quant == QuantFormat::kQ4 ? "q8" : "bf16"));
  for (const std::string& name : summary.finer) GATEHOUSE_TRY(Print(" {}", name));
  GATEHOUSE_TRY(Print("\n"));
  return 0;
}

}  // namespace gatehouse::cli

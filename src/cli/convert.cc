#include "checkpoint/convert.h"

#include <fmt/core.h>

#include "checkpoint/prune.h"
#include "cli/calibration.h"
#include "cli/command.h"
#include "cli/progress.h"
#include "formats/tokenizer_binary.h"
#include "guard/tokenizer_of.h"

namespace gatehouse::cli {

void AddConvert(CLI::App& app, Action* action) {
  CLI::App* command =
      app.add_subcommand("convert", "Write a model in Gatehouse's own form, which loads by mapping");
  command->footer(
      "Examples:\n"
      "  gatehouse convert llama-guard-4 llama-guard-4.gatehouse\n"
      "  gatehouse convert llama-guard-4 llama-guard-4-q8 --quant q8\n"
      "  gatehouse convert llama-guard-4 llama-guard-4-q4 --quant q4 --calibrate conversations.jsonl");
  auto options = std::make_shared<ConvertOptions>();
  auto quant = std::make_shared<std::string>("bf16");
  auto calibration = std::make_shared<CalibrationFlags>();
  command->add_option("input", options->input, "Hugging Face directory or .gguf file")->required();
  command->add_option("output", options->output, "directory to write")->required();
  command->add_option("--adapter", options->adapter, "directory of a PEFT LoRA adapter to merge");
  command->add_option("--policy", options->policy, "policy file to put in");
  command->add_option("--threads", options->threads, "threads (default: physical cores)")
      ->check(CLI::Range(1, 1024));
  command->add_option("--quant", *quant, "bf16, or the layers' weights rounded: q8, q4")
      ->check(CLI::IsMember({"bf16", "q8", "q4"}));
  calibration->AddTo(*command);
  command->callback([=] {
    *action = [=]() -> Result<int> {
      if (*quant == "q8") options->quant = QuantFormat::kQ8;
      if (*quant == "q4") options->quant = QuantFormat::kQ4;
      options->tokenizer = [](const Checkpoint& checkpoint) -> Result<std::string> {
        GATEHOUSE_ASSIGN(TokenizerData data, TokenizerDataOf(checkpoint));
        return WriteTokenizerBinary(std::move(data));
      };
      if (!calibration->file.empty()) return ConvertCalibrated(*options, *calibration);
      Progress progress("convert");
      GATEHOUSE_TRY(Convert(*options, [&](int64_t done, int64_t total) { progress.Update(done, total); }));
      return 0;
    };
  });
}

void AddPrune(CLI::App& app, Action* action) {
  CLI::App* command =
      app.add_subcommand("prune", "Make a dense model of a Llama 4 Scout mixture: the shared expert stays");
  command->footer("Example: gatehouse prune llama-4-scout scout-dense");
  auto options = std::make_shared<PruneOptions>();
  command->add_option("input", options->input, "Hugging Face directory of the mixture")->required();
  command->add_option("output", options->output, "directory to write; an interrupted run goes on")
      ->required();
  command->add_flag("--keep-attention", options->keep_attention, "keep Scout's RoPE, chunks and length");
  command->callback([=] {
    *action = [=]() -> Result<int> {
      Progress progress("prune");
      GATEHOUSE_TRY(Prune(*options, [&](int64_t done, int64_t total) { progress.Update(done, total); }));
      return 0;
    };
  });
}

}  // namespace gatehouse::cli

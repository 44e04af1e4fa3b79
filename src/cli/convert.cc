#include "checkpoint/convert.h"

#include <fmt/core.h>

#include "base/error.h"
#include "checkpoint/merge.h"
#include "checkpoint/prune.h"
#include "cli/calibration.h"
#include "cli/command.h"
#include "cli/progress.h"
#include "formats/tokenizer_binary.h"
#include "guard/tokenizer_of.h"

namespace gatehouse::cli {

void AddConvert(Command& gatehouse) {
  Command& command = gatehouse.Add(
      "convert", "Write a model in Gatehouse's own form, which loads by mapping, or merged for others");
  command.Footer(
      "Examples:\n"
      "  gatehouse convert llama-guard-4 llama-guard-4.gatehouse\n"
      "  gatehouse convert llama-guard-4 llama-guard-4-q8 --quant q8\n"
      "  gatehouse convert llama-guard-4 llama-guard-4-q4 --quant q4 --calibrate conversations.jsonl\n"
      "  gatehouse convert llama-guard-4 my-guard --adapter out/adapter --to hf");
  auto options = std::make_shared<ConvertOptions>();
  auto quant = std::make_shared<std::string>("bf16");
  auto form = std::make_shared<std::string>("gatehouse");
  auto calibration = std::make_shared<CalibrationFlags>();
  command.PositionalPath("input", &options->input, "Hugging Face directory or .gguf file");
  command.PositionalPath("output", &options->output, "directory to write");
  command.Path("--adapter", &options->adapter, "directory of a PEFT LoRA adapter to merge");
  command.Path("--policy", &options->policy, "policy file to put in");
  command
      .Value("--threads", &options->threads,
             "threads (default: cores that this process or its container may use)")
      .Between(1, 1024);
  command.Value("--quant", quant.get(), "bf16, or the layers' weights rounded: q8, q4")
      .OneOf({"bf16", "q8", "q4"});
  command
      .Value("--to", form.get(),
             "gatehouse, or hf: a Hugging Face directory again, with the adapter in its weights")
      .OneOf({"gatehouse", "hf"});
  calibration->AddTo(command);
  command.Does([=]() -> Result<int> {
    if (*form == "hf") {
      if (*quant != "bf16" || !calibration->file.empty())
        return UsageError("rounded weights have no published form", "--to hf", "--quant bf16", *quant);
      GATEHOUSE_TRY(Merge({options->input, options->adapter, options->policy, options->output}));
      return 0;
    }
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
  });
}

void AddPrune(Command& gatehouse) {
  Command& command =
      gatehouse.Add("prune", "Make a dense model of a Llama 4 Scout mixture: the shared expert stays");
  command.Footer("Example: gatehouse prune llama-4-scout scout-dense");
  auto options = std::make_shared<PruneOptions>();
  command.PositionalPath("input", &options->input, "Hugging Face directory of the mixture");
  command.PositionalPath("output", &options->output, "directory to write; an interrupted run goes on");
  command.Flag("--keep-attention", &options->keep_attention, "keep Scout's RoPE, chunks and length");
  command.Does([=]() -> Result<int> {
    Progress progress("prune");
    GATEHOUSE_TRY(Prune(*options, [&](int64_t done, int64_t total) { progress.Update(done, total); }));
    return 0;
  });
}

}  // namespace gatehouse::cli

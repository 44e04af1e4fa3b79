#include "base/error.h"
#include "cli/bench_prefill.h"
#include "cli/command.h"

namespace gatehouse::cli {

void AddBench(CLI::App& app, Action* action) {
  CLI::App* command = app.add_subcommand("bench", "Measure speed, as a share of what this machine can do");
  command->require_subcommand(1);
  CLI::App* prefill =
      command->add_subcommand("prefill", "Read a prompt with random weights of a named shape");
  prefill->footer("Example: gatehouse bench prefill --shape llama-guard-4 --layers 8");
  auto options = std::make_shared<BenchPrefillOptions>();
  auto dtype = std::make_shared<std::string>("bf16");
  prefill->add_option("--shape", options->shape, "llama-guard-4 or smollm2-135m");
  prefill->add_option("--layers", options->layers, "layers (default: as many as the shape has)")
      ->check(CLI::Range(1, 1000));
  prefill->add_option("--tokens", options->tokens, "length of the prompt")->check(CLI::Range(1, 65536));
  prefill->add_option("--rounds", options->rounds, "measured rounds")->check(CLI::Range(1, 1000));
  prefill->add_option("--threads", options->threads, "threads (default: physical cores)")
      ->check(CLI::Range(1, 1024));
  prefill->add_option("--dtype", *dtype, "bf16 or f32")->check(CLI::IsMember({"bf16", "f32"}));
  prefill->add_flag("--json", options->json, "one JSON object");
  prefill->callback([=] {
    *action = [=]() -> Result<int> {
      options->f32 = *dtype == "f32";
      GATEHOUSE_TRY(BenchPrefill(*options));
      return 0;
    };
  });
}

}  // namespace gatehouse::cli

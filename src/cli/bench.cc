#include "base/error.h"
#include "cli/bench_prefill.h"
#include "cli/bench_request.h"
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
  auto quant = std::make_shared<std::string>("bf16");
  prefill->add_option("--quant", *quant, "weights of the layers: bf16, q8 or q4")
      ->check(CLI::IsMember({"bf16", "q8", "q4"}));
  prefill->add_flag("--json", options->json, "one JSON object");
  prefill->callback([=] {
    *action = [=]() -> Result<int> {
      options->f32 = *dtype == "f32";
      if (*quant == "q8") options->quant = QuantFormat::kQ8;
      if (*quant == "q4") options->quant = QuantFormat::kQ4;
      GATEHOUSE_TRY(BenchPrefill(*options));
      return 0;
    };
  });
  struct Request {
    const char* name;
    const char* description;
    Result<void> (*run)(const BenchRequestOptions&);
  };
  for (const Request& request :
       {Request{"request", "One request to a real model, cold and warm", BenchRequest},
        Request{"batch", "Requests of many clients at once to a real model", BenchBatch},
        Request{"mixed", "Short requests to a real model, alone and beside long ones", BenchMixed}}) {
    CLI::App* one = command->add_subcommand(request.name, request.description);
    auto model = std::make_shared<ModelFlags>();
    auto asked = std::make_shared<BenchRequestOptions>();
    model->AddTo(*one);
    one->add_option("--words", asked->words, "length of the message")->check(CLI::Range(1, 4000));
    one->add_option("--rounds", asked->rounds, "requests measured")->check(CLI::Range(1, 100000));
    if (request.run == BenchBatch)
      one->add_option("--clients", asked->clients, "at once")->check(CLI::Range(1, 1000));
    if (request.run == BenchMixed) {
      asked->rounds = 200;
      one->add_option("--long-words", asked->long_words, "length of the long messages")
          ->check(CLI::Range(1, 100000));
    }
    one->add_flag("--json", asked->json, "one JSON object");
    one->callback([=] {
      *action = [=]() -> Result<int> {
        GATEHOUSE_ASSIGN(asked->guard, model->Resolve());
        GATEHOUSE_TRY(request.run(*asked));
        return 0;
      };
    });
  }
}

}  // namespace gatehouse::cli

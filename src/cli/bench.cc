#include "base/error.h"
#include "cli/bench_kernels.h"
#include "cli/bench_mixed.h"
#include "cli/bench_model.h"
#include "cli/bench_prefill.h"
#include "cli/bench_request.h"
#include "cli/bench_vision.h"
#include "cli/command.h"

namespace gatehouse::cli {
namespace {

const char* const kShapes = "llama-guard-4 or smollm2-135m";
const char* const kTurns = "begin each round when a line comes on standard input, and print its time at once";

void AddQuant(CLI::App& command, std::string* quant) {
  command.add_option("--quant", *quant, "weights of the shape's layers: bf16, q8 or q4")
      ->check(CLI::IsMember({"bf16", "q8", "q4"}));
}

void AddThreads(CLI::App& command, int* threads) {
  command.add_option("--threads", *threads, "threads (default: physical cores)")->check(CLI::Range(1, 1024));
}

void AddLayers(CLI::App& command, int* layers) {
  command.add_option("--layers", *layers, "layers of the shape (default: all)")->check(CLI::Range(1, 1000));
}

void AddKernels(CLI::App& bench, Action* action) {
  CLI::App* command =
      bench.add_subcommand("kernels", "Products of matrices, as a share of the machine's limits");
  command->footer("Example: gatehouse bench kernels --kernel q8 --m 1,256 --json");
  auto options = std::make_shared<BenchKernelsOptions>();
  command->add_option("--kernel", options->kernels, "f32, bf16, q8, q4 (default: all)")
      ->delimiter(',')
      ->check(CLI::IsMember({"f32", "bf16", "q8", "q4"}));
  command->add_option("--m", options->rows, "rows (default: 1,4,8,64,256)")
      ->delimiter(',')
      ->check(CLI::Range(1, 65536));
  command->add_option("--product", options->products, "NxK (default: those of Llama Guard 4)")
      ->delimiter(',');
  command->add_option("--rounds", options->rounds, "measured rounds")->check(CLI::Range(1, 1000));
  AddThreads(*command, &options->threads);
  command->add_flag("--json", options->json, "one JSON object a line");
  command->callback([=] {
    *action = [=]() -> Result<int> {
      GATEHOUSE_TRY(BenchKernels(*options));
      return 0;
    };
  });
}

void AddPrefill(CLI::App& bench, Action* action) {
  CLI::App* command =
      bench.add_subcommand("prefill", "Read a prompt with a model, or with random weights of a named shape");
  command->footer("Example: gatehouse bench prefill --shape llama-guard-4 --layers 8");
  auto options = std::make_shared<BenchPrefillOptions>();
  auto dtype = std::make_shared<std::string>("bf16");
  auto quant = std::make_shared<std::string>("bf16");
  command->add_option("--model", options->model, "Hugging Face directory, .gguf file or converted directory");
  command
      ->add_option("--shape", options->shape, std::string("in place of a model, random weights: ") + kShapes)
      ->excludes("--model");
  AddLayers(*command, &options->layers);
  command->add_option("--tokens", options->tokens, "length of the prompt")->check(CLI::Range(1, 65536));
  command->add_option("--rounds", options->rounds, "measured rounds")->check(CLI::Range(1, 1000));
  AddThreads(*command, &options->threads);
  command->add_option("--dtype", *dtype, "bf16 or f32")->check(CLI::IsMember({"bf16", "f32"}));
  AddQuant(*command, quant.get());
  command->add_flag("--turns", options->turns, kTurns);
  command->add_flag("--json", options->json, "one JSON object");
  command->callback([=] {
    *action = [=]() -> Result<int> {
      options->f32 = *dtype == "f32";
      options->quant = FormatOfName(*quant);
      GATEHOUSE_TRY(BenchPrefill(*options));
      return 0;
    };
  });
}

void AddVision(CLI::App& bench, Action* action) {
  CLI::App* command =
      bench.add_subcommand("vision", "Encode tiles with random weights of Llama Guard 4's image tower");
  command->footer("Example: gatehouse bench vision --tiles 5 --quant q8");
  auto options = std::make_shared<BenchVisionOptions>();
  auto quant = std::make_shared<std::string>("bf16");
  command->add_option("--layers", options->layers, "layers (default: all 34)")->check(CLI::Range(1, 1000));
  command->add_option("--tiles", options->tiles, "tiles of an image")->check(CLI::Range(1, 1000));
  command->add_option("--rounds", options->rounds, "measured rounds")->check(CLI::Range(1, 1000));
  AddThreads(*command, &options->threads);
  AddQuant(*command, quant.get());
  command->add_flag("--json", options->json, "one JSON object");
  command->callback([=] {
    *action = [=]() -> Result<int> {
      options->quant = FormatOfName(*quant);
      GATEHOUSE_TRY(BenchVision(*options));
      return 0;
    };
  });
}

// What requests are sent to: a model, or random weights of a shape.
struct SubjectFlags {
  ModelFlags model;
  std::string quant = "bf16";

  void AddTo(CLI::App& command, BenchGuardOptions* subject) {
    model.AddTo(command);
    command
        .add_option("--shape", subject->shape, std::string("in place of a model, random weights: ") + kShapes)
        ->excludes("--model");
    AddLayers(command, &subject->layers);
    AddQuant(command, &quant);
  }
  Result<void> Resolve(BenchGuardOptions* subject) const {
    subject->quant = FormatOfName(quant);
    if (subject->shape.empty()) {
      GATEHOUSE_ASSIGN(subject->guard, model.Resolve());
    } else {
      SetUpLog(model.log_level);
      subject->guard = model.guard;
    }
    return {};
  }
};

void AddMixed(CLI::App& bench, Action* action) {
  CLI::App* command = bench.add_subcommand("mixed", "Short requests, alone and beside long ones");
  command->footer("Example: gatehouse bench mixed --shape llama-guard-4 --layers 4 --quant q8 --rounds 30");
  auto subject_flags = std::make_shared<SubjectFlags>();
  auto options = std::make_shared<BenchMixedOptions>();
  BenchGuardOptions& subject = options->subject;
  subject_flags->AddTo(*command, &subject);
  command->add_option("--tokens", subject.tokens, "length of the short messages")->check(CLI::Range(1, 4000));
  command->add_option("--long-tokens", options->long_tokens, "length of the long messages")
      ->check(CLI::Range(1, 100000));
  command->add_option("--rounds", options->rounds, "short requests measured")->check(CLI::Range(1, 100000));
  command->add_flag("--json", options->json, "one JSON object");
  command->callback([=] {
    *action = [=]() -> Result<int> {
      GATEHOUSE_TRY(subject_flags->Resolve(&options->subject));
      GATEHOUSE_TRY(BenchMixed(*options));
      return 0;
    };
  });
}

void AddRequests(CLI::App& bench, bool batch, Action* action) {
  CLI::App* command = bench.add_subcommand(
      batch ? "batch" : "request", batch ? "Requests of many clients at once" : "One request, cold and warm");
  command->footer(
      batch ? "Example: gatehouse bench batch --shape llama-guard-4 --layers 4 --quant q8 --rounds 5"
            : "Example: gatehouse bench request --shape llama-guard-4 --layers 8 --quant q8");
  auto subject_flags = std::make_shared<SubjectFlags>();
  auto options = std::make_shared<BenchRequestOptions>();
  BenchGuardOptions& subject = options->subject;
  subject_flags->AddTo(*command, &subject);
  command->add_option("--tokenizer", subject.tokenizer,
                      "tokenizer.json for the shape (default: one made up)");
  command->add_option("--categories", subject.categories, "ask for so many made-up categories")
      ->check(CLI::Range(1, 1000));
  command->add_option("--tokens", subject.tokens, "length of the message")->check(CLI::Range(1, 4000));
  options->rounds = batch ? 5 : 20;
  command->add_option("--rounds", options->rounds, "measured rounds")->check(CLI::Range(1, 100000));
  if (batch) {
    command->add_option("--clients", options->clients, "at once")->check(CLI::Range(1, 1000));
  } else {
    command->add_flag("--turns", options->turns, kTurns);
  }
  command->add_flag("--json", options->json, "one JSON object");
  command->callback([=] {
    *action = [=]() -> Result<int> {
      GATEHOUSE_TRY(subject_flags->Resolve(&options->subject));
      GATEHOUSE_TRY(batch ? BenchBatch(*options) : BenchRequest(*options));
      return 0;
    };
  });
}

}  // namespace

void AddBench(CLI::App& app, Action* action) {
  CLI::App* bench = app.add_subcommand("bench", "Measure speed, as a share of what this machine can do");
  bench->require_subcommand(1);
  AddKernels(*bench, action);
  AddPrefill(*bench, action);
  AddVision(*bench, action);
  AddRequests(*bench, false, action);
  AddRequests(*bench, true, action);
  AddMixed(*bench, action);
}

}  // namespace gatehouse::cli

#include <memory>
#include <optional>

#include "backend/create.h"
#include "base/error.h"
#include "benchmark/kernels.h"
#include "benchmark/mixed.h"
#include "benchmark/prefill.h"
#include "benchmark/random_model.h"
#include "benchmark/request.h"
#include "benchmark/streams.h"
#include "benchmark/vision.h"
#include "benchmark/waiting.h"
#include "cli/command.h"
#include "cli/input.h"
#include "cli/output.h"

namespace gatehouse::cli {
namespace {

using namespace benchmark;

// Rounds begin by lines of standard input, which is opened when the first is waited for.
Console StandardConsole() {
  auto lines = std::make_shared<std::optional<LineReader>>();
  const auto next_line = [lines]() -> Result<bool> {
    if (!*lines) {
      GATEHOUSE_ASSIGN(LineReader opened, LineReader::Open("-", size_t{1} << 16));
      lines->emplace(std::move(opened));
    }
    LineReader::Line line;
    return (*lines)->Next(&line);
  };
  return {PrintText, next_line};
}

const char* const kShapes = "llama-guard-4 or smollm2-135m";
const char* const kPaced = "begin each round when a line comes on standard input, and print its time at once";

void AddQuant(Command& command, std::string* quant) {
  command.Value("--quant", quant, "weights of the shape's layers: bf16, q8 or q4")
      .OneOf({"bf16", "q8", "q4"});
}

void AddThreads(Command& command, int* threads) {
  command.Value("--threads", threads, "threads (default: cores that this process or its container may use)")
      .Between(1, 1024);
}

void AddDevice(Command& command, std::string* device) {
  command.Value("--device", device, kBackendDevices).OneOf({"cpu", "cuda"});
}

void AddLayers(Command& command, int* layers) {
  command.Value("--layers", layers, "layers of the shape (default: all)").Between(1, 1000);
}

void AddKernels(Command& bench) {
  Command& command = bench.Add("kernels", "Products of matrices, as a share of the machine's limits");
  command.Footer("Example: gatehouse bench kernels --kernel q8 --m 1,256 --json");
  auto options = std::make_shared<BenchKernelsOptions>();
  command.Value("--kernel", &options->kernels, "f32, bf16, q8, q4 (default: all)")
      .SplitAtCommas()
      .OneOf({"f32", "bf16", "q8", "q4"});
  command.Value("--m", &options->rows, "rows (default: 1,4,8,64,256)").SplitAtCommas().Between(1, 65536);
  command.Value("--product", &options->products, "NxK (default: those of Llama Guard 4)").SplitAtCommas();
  command.Value("--rounds", &options->rounds, "measured rounds").Between(1, 1000);
  AddThreads(command, &options->threads);
  command.Flag("--json", &options->json, "one JSON object a line");
  command.Does([=]() -> Result<int> {
    GATEHOUSE_TRY(BenchKernels(*options, StandardConsole()));
    return 0;
  });
}

void AddPrefill(Command& bench) {
  Command& command =
      bench.Add("prefill", "Read a prompt with a model, or with random weights of a named shape");
  command.Footer("Example: gatehouse bench prefill --shape llama-guard-4 --layers 8");
  auto options = std::make_shared<BenchPrefillOptions>();
  auto dtype = std::make_shared<std::string>("bf16");
  auto quant = std::make_shared<std::string>("bf16");
  command.Path("--model", &options->model, "Hugging Face directory, .gguf file or converted directory");
  command.Value("--shape", &options->shape, std::string("in place of a model, random weights: ") + kShapes)
      .Excludes("--model");
  AddLayers(command, &options->layers);
  command.Value("--tokens", &options->tokens, "length of the prompt").Between(1, 65536);
  command.Value("--rounds", &options->rounds, "measured rounds").Between(1, 1000);
  AddThreads(command, &options->threads);
  AddDevice(command, &options->device);
  command.Value("--dtype", dtype.get(), "bf16 or f32").OneOf({"bf16", "f32"});
  AddQuant(command, quant.get());
  command.Flag("--paced", &options->paced, kPaced);
  command.Flag("--json", &options->json, "one JSON object");
  command.Does([=]() -> Result<int> {
    options->f32 = *dtype == "f32";
    options->quant = FormatOfName(*quant);
    GATEHOUSE_TRY(BenchPrefill(*options, StandardConsole()));
    return 0;
  });
}

void AddVision(Command& bench) {
  Command& command = bench.Add("vision", "Encode tiles with random weights of Llama Guard 4's image tower");
  command.Footer("Example: gatehouse bench vision --tiles 5 --quant q8");
  auto options = std::make_shared<BenchVisionOptions>();
  auto quant = std::make_shared<std::string>("bf16");
  command.Value("--layers", &options->layers, "layers (default: all 34)").Between(1, 1000);
  command.Value("--tiles", &options->tiles, "tiles of an image").Between(1, 1000);
  command.Value("--rounds", &options->rounds, "measured rounds").Between(1, 1000);
  AddThreads(command, &options->threads);
  AddDevice(command, &options->device);
  AddQuant(command, quant.get());
  command.Flag("--json", &options->json, "one JSON object");
  command.Does([=]() -> Result<int> {
    options->quant = FormatOfName(*quant);
    GATEHOUSE_TRY(BenchVision(*options, StandardConsole()));
    return 0;
  });
}

// What requests are sent to: a model, or random weights of a shape.
struct SubjectFlags {
  ModelFlags model;
  std::string quant = "bf16";

  void AddTo(Command& command, BenchGuardOptions* subject) {
    model.AddTo(command);
    command.Value("--shape", &subject->shape, std::string("in place of a model, random weights: ") + kShapes)
        .Excludes("--model");
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

void AddMixed(Command& bench) {
  Command& command = bench.Add("mixed", "Short requests, alone and beside long ones");
  command.Footer("Example: gatehouse bench mixed --shape llama-guard-4 --layers 4 --quant q8 --rounds 30");
  auto subject_flags = std::make_shared<SubjectFlags>();
  auto options = std::make_shared<BenchMixedOptions>();
  BenchGuardOptions& subject = options->subject;
  subject_flags->AddTo(command, &subject);
  command.Value("--tokens", &subject.tokens, "length of the short messages").Between(1, 4000);
  command.Value("--long-tokens", &options->long_tokens, "length of the long messages").Between(1, 100000);
  command.Value("--rounds", &options->rounds, "short requests measured").Between(1, 100000);
  command.Flag("--json", &options->json, "one JSON object");
  command.Does([=]() -> Result<int> {
    GATEHOUSE_TRY(subject_flags->Resolve(&options->subject));
    GATEHOUSE_TRY(BenchMixed(*options, StandardConsole()));
    return 0;
  });
}

void AddRequests(Command& bench, bool batch) {
  Command& command = bench.Add(batch ? "batch" : "request",
                               batch ? "Requests of many clients at once" : "One request, cold and warm");
  command.Footer(batch
                     ? "Example: gatehouse bench batch --shape llama-guard-4 --layers 4 --quant q8 --rounds 5"
                     : "Example: gatehouse bench request --shape llama-guard-4 --layers 8 --quant q8");
  auto subject_flags = std::make_shared<SubjectFlags>();
  auto options = std::make_shared<BenchRequestOptions>();
  BenchGuardOptions& subject = options->subject;
  subject_flags->AddTo(command, &subject);
  command.Path("--tokenizer", &subject.tokenizer, "tokenizer.json for the shape (default: one made up)");
  command.Value("--categories", &subject.categories, "ask for so many made-up categories").Between(1, 1000);
  command.Value("--tokens", &subject.tokens, "length of the message").Between(1, 4000);
  options->rounds = batch ? 5 : 20;
  command.Value("--rounds", &options->rounds, "measured rounds").Between(1, 100000);
  if (batch) {
    command.Value("--clients", &options->clients, "at once").Between(1, 1000);
  } else {
    command.Flag("--paced", &options->paced, kPaced);
  }
  command.Flag("--json", &options->json, "one JSON object");
  command.Does([=]() -> Result<int> {
    GATEHOUSE_TRY(subject_flags->Resolve(&options->subject));
    GATEHOUSE_TRY(batch ? BenchBatch(*options, StandardConsole())
                        : BenchRequest(*options, StandardConsole()));
    return 0;
  });
}

void AddStreams(Command& bench) {
  Command& command = bench.Add("streams", "Answers judged while they grow, against one check at their ends");
  command.Footer("Example: gatehouse bench streams --tokens 512 --check-tokens 32,128 --streams 32");
  auto subject_flags = std::make_shared<SubjectFlags>();
  auto options = std::make_shared<BenchStreamsOptions>();
  options->subject.tokens = 512;
  subject_flags->AddTo(command, &options->subject);
  command.Value("--tokens", &options->subject.tokens, "length of an answer").Between(1, 4000);
  command.Value("--check-tokens", &options->check_tokens, "a check each time the answer grew by so many (32)")
      .SplitAtCommas()
      .Between(1, 65536);
  command.Value("--streams", &options->streams, "answers at once").Between(1, 1000);
  command.Value("--rounds", &options->rounds, "measured rounds").Between(1, 1000);
  command.Flag("--json", &options->json, "one JSON object a line");
  command.Does([=]() -> Result<int> {
    GATEHOUSE_TRY(subject_flags->Resolve(&options->subject));
    GATEHOUSE_TRY(BenchStreams(*options, StandardConsole()));
    return 0;
  });
}

void AddWaiting(Command& bench) {
  Command& command = bench.Add("waiting", "Many requests waiting against few, alternately");
  command.Footer("Example: gatehouse bench waiting --few 16 --many 10000 --requests 200");
  auto subject_flags = std::make_shared<SubjectFlags>();
  auto options = std::make_shared<BenchWaitingOptions>();
  subject_flags->AddTo(command, &options->subject);
  command.Value("--tokens", &options->subject.tokens, "length of the message").Between(1, 4000);
  command.Value("--few", &options->few, "requests that wait").Between(1, 100000);
  command.Value("--many", &options->many, "requests that wait, in the other rounds").Between(1, 100000);
  command.Value("--requests", &options->requests, "finished in each round").Between(1, 1000000);
  command.Value("--rounds", &options->rounds, "measured rounds").Between(1, 1000);
  command.Flag("--json", &options->json, "one JSON object");
  command.Does([=]() -> Result<int> {
    GATEHOUSE_TRY(subject_flags->Resolve(&options->subject));
    options->subject.guard.max_waiting_tokens = int64_t{1} << 40;
    GATEHOUSE_TRY(BenchWaiting(*options, StandardConsole()));
    return 0;
  });
}

}  // namespace

void AddBench(Command& gatehouse) {
  Command& bench = gatehouse.Add("bench", "Measure speed, as a share of what this machine can do");
  AddKernels(bench);
  AddPrefill(bench);
  AddVision(bench);
  AddRequests(bench, false);
  AddRequests(bench, true);
  AddMixed(bench);
  AddStreams(bench);
  AddWaiting(bench);
}

}  // namespace gatehouse::cli

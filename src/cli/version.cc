#include <fmt/core.h>

#include "backend/create.h"
#include "base/cpu.h"
#include "base/error.h"
#include "cli/command.h"
#include "cli/output.h"
#include "gatehouse/guard.h"

namespace gatehouse::cli {

Result<std::string> VersionText(bool verbose) {
  std::string out = fmt::format("gatehouse {}\n", GATEHOUSE_VERSION);
  GATEHOUSE_ASSIGN(const Isa isa, ChooseIsa());
  out += fmt::format("instruction set: {}{}\n", IsaName(isa), isa == DetectIsa() ? "" : " (forced)");
  if (!verbose) return out;
  out += fmt::format("processor: {}\n", CpuModelName());
  for (const bool f32 : {false, true}) {
    GATEHOUSE_ASSIGN(const std::unique_ptr<Backend> backend, CreateBackend({.f32 = f32}));
    out += fmt::format("--dtype {}: {}\n", f32 ? "f32 " : "bf16", backend->Describe());
  }
  return out;
}

// What a model takes of the memory, at most.
Result<std::string> MemoryText(const ModelFlags& flags) {
  GATEHOUSE_ASSIGN(const GuardOptions options, flags.Resolve());
  GATEHOUSE_ASSIGN(const Guard guard, Guard::Load(options));
  const Guard::Memory memory = guard.memory();
  const auto line = [](const char* what, int64_t bytes, const char* of) {
    return fmt::format("{:<17} {:10.1f} MiB  {}\n", what, static_cast<double>(bytes) / (1 << 20), of);
  };
  return fmt::format("model: {}, policy {}\n", guard.model_name(), guard.policy_name()) +
         line("weights", memory.weights, "mapped from their files") +
         line("keys and values", memory.keys_and_values, "of requests at work and kept (--kv-bytes)") +
         line("images' vectors", memory.features, "kept; a quarter of --kv-bytes where the model sees") +
         line("passes", memory.passes, "matrices of the largest passes") +
         line("together", memory.weights + memory.keys_and_values + memory.features + memory.passes,
              "at most");
}

void AddVersion(Command& gatehouse) {
  Command& command = gatehouse.Add("version", "Print the version and the kernels that this machine gets");
  auto verbose = std::make_shared<bool>(false), wanted = std::make_shared<bool>(false);
  command.Flag("--verbose", verbose.get(),
               "also name the processor, the kernels, and with --model the memory");
  auto flags = std::make_shared<ModelFlags>();
  flags->AddTo(command);
  const auto print = [](bool all) -> Result<int> {
    GATEHOUSE_ASSIGN(const std::string text, VersionText(all));
    GATEHOUSE_TRY(PrintText(text));
    return 0;
  };
  command.Does([=]() -> Result<int> {
    GATEHOUSE_TRY(print(*verbose));
    if (!*verbose || flags->guard.model.empty()) return 0;
    GATEHOUSE_ASSIGN(const std::string text, MemoryText(*flags));
    GATEHOUSE_TRY(PrintText(text));
    return 0;
  });
  gatehouse.Flag("--version", wanted.get(), "as `version --verbose`");
  gatehouse.Does([=]() -> Result<int> {
    if (*wanted) return print(true);
    return UsageError("no subcommand", "gatehouse", "one that gatehouse --help lists", "nothing");
  });
}

}  // namespace gatehouse::cli

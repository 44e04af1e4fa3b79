#include <fmt/core.h>

#include "backend/cpu_backend.h"
#include "base/cpu.h"
#include "cli/command.h"

namespace gatehouse::cli {

Result<std::string> VersionText(bool verbose) {
  std::string out = fmt::format("gatehouse {}\n", GATEHOUSE_VERSION);
  GATEHOUSE_ASSIGN(const Isa isa, ChooseIsa());
  out += fmt::format("instruction set: {}{}\n", IsaName(isa), isa == DetectIsa() ? "" : " (forced)");
  if (!verbose) return out;
  out += fmt::format("processor: {}\n", CpuModelName());
  for (const bool f32 : {false, true}) {
    GATEHOUSE_ASSIGN(const std::unique_ptr<Backend> backend, CreateCpuBackend({.threads = 0, .f32 = f32}));
    out += fmt::format("--dtype {}: {}\n", f32 ? "f32 " : "bf16", backend->Describe());
  }
  return out;
}

void AddVersion(CLI::App& app, Action* action) {
  CLI::App* command =
      app.add_subcommand("version", "Print the version and the kernels that this machine gets");
  auto verbose = std::make_shared<bool>(false);
  command->add_flag("--verbose", *verbose, "also name the processor and the kernels");
  command->callback([=] {
    *action = [=]() -> Result<int> {
      GATEHOUSE_ASSIGN(const std::string text, VersionText(*verbose));
      fmt::print("{}", text);
      return 0;
    };
  });
}

}  // namespace gatehouse::cli

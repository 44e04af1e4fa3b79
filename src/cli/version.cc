#include <fmt/core.h>

#include "backend/create.h"
#include "base/cpu.h"
#include "base/error.h"
#include "cli/command.h"
#include "cli/output.h"

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

void AddVersion(Command& gatehouse) {
  Command& command = gatehouse.Add("version", "Print the version and the kernels that this machine gets");
  auto verbose = std::make_shared<bool>(false), wanted = std::make_shared<bool>(false);
  command.Flag("--verbose", verbose.get(), "also name the processor and the kernels");
  const auto print = [](bool all) -> Result<int> {
    GATEHOUSE_ASSIGN(const std::string text, VersionText(all));
    GATEHOUSE_TRY(PrintText(text));
    return 0;
  };
  command.Does([=] { return print(*verbose); });
  gatehouse.Flag("--version", wanted.get(), "as `version --verbose`");
  gatehouse.Does([=]() -> Result<int> {
    if (*wanted) return print(true);
    return UsageError("no subcommand", "gatehouse", "one that gatehouse --help lists", "nothing");
  });
}

}  // namespace gatehouse::cli

// The gatehouse executable: parses the command line, runs one subcommand, prints errors, sets the exit code.
#include <fmt/core.h>

#if defined(__GLIBC__)
#include <malloc.h>
#endif

#include <cstdio>
#include <exception>
#include <string>

#include "cli/command.h"
#include "text/utf8.h"

namespace {

// A message may quote what it found: whatever that was, what we print is UTF-8.
void PrintError(const std::string& message) {
  std::string storage;
  fmt::print(stderr, "gatehouse: error: {}\n", gatehouse::RepairUtf8(message, &storage));
}

}  // namespace

int main(int argc, char** argv) {
#if defined(__GLIBC__)
  // The scored rows of the vocabulary, megabytes, come and go with each request: a small model notices when
  // the kernel takes them back and clears them again.
  mallopt(M_MMAP_THRESHOLD, 32 << 20);
  mallopt(M_TRIM_THRESHOLD, 256 << 20);
#endif
  CLI::App app{"Gatehouse: safety verdicts for conversations, by Llama Guard 4 and its relatives"};
  app.require_subcommand(1);
  app.set_version_flag("--version", [] {
    const auto text = gatehouse::cli::VersionText(true);
    std::string out = text.ok() ? *text : text.error().Message();
    while (!out.empty() && out.back() == '\n') out.pop_back();
    return out;
  });
  app.footer("Exit codes: 0 done, 2 bad usage, 3 bad input, 4 model could not be loaded, 1 anything else.");
  gatehouse::cli::Action action;
  gatehouse::cli::AddClassify(app, &action);
  gatehouse::cli::AddInspect(app, &action);
  gatehouse::cli::AddConvert(app, &action);
  gatehouse::cli::AddPrune(app, &action);
  gatehouse::cli::AddEval(app, &action);
  gatehouse::cli::AddBench(app, &action);
  gatehouse::cli::AddVersion(app, &action);
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp& e) {
    return app.exit(e);
  } catch (const CLI::CallForAllHelp& e) {
    return app.exit(e);
  } catch (const CLI::CallForVersion& e) {
    return app.exit(e);
  } catch (const CLI::ParseError& e) {
    PrintError(e.what());
    return 2;
  }
  try {
    const gatehouse::Result<int> code = action();
    if (code.ok()) return std::fflush(stdout) == 0 ? *code : 1;
    PrintError(code.error().Message());
    return code.error().code == gatehouse::ErrorCode::kBusy ? 1 : static_cast<int>(code.error().code);
  } catch (const std::exception& e) {  // out of memory, above all
    PrintError(e.what());
    return 1;
  }
}

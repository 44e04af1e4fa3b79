// The gatehouse executable: parses the command line, runs one command, prints errors, sets the exit code.
#include <exception>
#include <string>
#include <vector>

#include "cli/command.h"
#include "cli/output.h"
#include "text/utf8.h"

namespace gatehouse::cli {
namespace {

// The exit code of an error. A message may quote what it found: whatever that was, what we print is UTF-8.
int Complain(const Error& error) {
  std::string storage;
  if (!ReaderIsGone()) Note("gatehouse: error: {}\n", RepairUtf8(error.Message(), &storage));
  return error.code >= ErrorCode::kBusy ? 1 : static_cast<int>(error.code);
}

Result<int> Run(const std::vector<std::string>& arguments) {
  Command gatehouse("gatehouse",
                    "Gatehouse: safety verdicts for conversations, by Llama Guard 4 and its relatives");
  gatehouse.Footer(
      "Exit codes: 0 done, 2 bad usage, 3 bad input, 4 model could not be loaded, 1 anything else.");
  AddClassify(gatehouse);
  AddInspect(gatehouse);
  AddConvert(gatehouse);
  AddPrune(gatehouse);
  AddEval(gatehouse);
  AddTrain(gatehouse);
  AddServe(gatehouse);
  AddKey(gatehouse);
  AddBench(gatehouse);
  AddVersion(gatehouse);
  GATEHOUSE_ASSIGN(const Invocation asked, gatehouse.Parse(arguments));
  if (asked.action) return asked.action();
  GATEHOUSE_TRY(PrintText(asked.help));
  return 0;
}

int Main(const std::vector<std::string>& arguments) {
  PrepareOutput();
  int code = 1;
  try {
    const Result<int> result = Run(arguments);
    code = result.ok() ? *result : Complain(result.error());
  } catch (const std::exception& e) {  // out of memory, above all
    code = Complain({ErrorCode::kInternal, e.what(), {}, {}, {}});
  }
  // A verdict that did not arrive is no verdict, whatever it was; the reason of another error stays.
  const Result<void> finished = FinishOutput();
  if (!finished.ok() && (code == 0 || code == kExitUnsafe)) code = Complain(finished.error());
  return code;
}

}  // namespace
}  // namespace gatehouse::cli

int main(int argc, char** argv) { return gatehouse::cli::Main({argv + (argc > 0 ? 1 : 0), argv + argc}); }

// Values of options from elsewhere than the command line: the environment, then a file. What comes first is
// nearest to the user: an option that was given stays.
//
//   GATEHOUSE_TRY(TakeFromEnvironment(command));     // --max-body-bytes by GATEHOUSE_MAX_BODY_BYTES
//   GATEHOUSE_TRY(TakeFromFile(command, config.flags, "gatehouse.toml"));
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "cli/command_line.h"
#include "gatehouse/result.h"

namespace gatehouse::cli {

// Errors: kUsage, naming the variable or the file.
Result<void> TakeFromEnvironment(Command& command);
// flags: names without dashes, each with its values. never: names that a file may not give.
Result<void> TakeFromFile(Command& command,
                          const std::vector<std::pair<std::string, std::vector<std::string>>>& flags,
                          const std::string& file, const std::vector<std::string>& never);

}  // namespace gatehouse::cli

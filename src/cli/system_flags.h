// Options of `gatehouse eval --system-level`.
#pragma once

#include <string>

#include "cli/command_line.h"
#include "eval/run/system_rows.h"
#include "gatehouse/result.h"

namespace gatehouse::cli {

struct SystemFlags {
  bool asked = false;
  std::string refused_field = kFieldRefused;
  std::string prompt_field = kFieldPromptLabel;
  std::string judge;     // a model's path
  std::string generate;  // an address
  std::string model;     // there
  std::string api_key;   // shown to it
  int max_tokens = 512;  // of an answer
  double timeout = 600;  // seconds until an answer begins

  void AddTo(Command& command);
  // Errors: kUsage: options that say nothing without --system-level.
  Result<void> Check() const;
};

}  // namespace gatehouse::cli

// Options of the filter in front of another server: where it is, what is judged, what follows.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/command.h"
#include "gatehouse/result.h"
#include "server/proxy_settings.h"

namespace gatehouse::cli {

struct UpstreamFlags {
  std::string upstream, filter, on_block = "empty", refusal = "I can't help with that.", api_key;
  std::string input_check = "before", unjudged = "refuse";
  std::vector<std::string> passed;
  bool forward_auth = false, judge_history = false, shadow = false, fail_open = false;
  int check_tokens = 32, check_ms = 200, holdback = 4096;

  void AddTo(Command& command);
  // None without --upstream. has_keys: clients show keys of ours. Errors: kUsage.
  Result<std::optional<server::ProxySettings>> Settings(bool has_keys, double idle_timeout) const;
};

}  // namespace gatehouse::cli

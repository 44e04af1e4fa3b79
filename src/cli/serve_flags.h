// Options of `gatehouse serve`, each of which may also come from the environment or a file.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/command.h"
#include "cli/upstream_flags.h"
#include "gatehouse/result.h"
#include "server/config.h"
#include "server/http/fetch.h"
#include "server/http/server.h"

namespace gatehouse::cli {

struct ServeFlags {
  ModelFlags model;
  LongFlags long_input;
  UpstreamFlags upstream;
  std::vector<std::string> served_names, api_keys;
  std::vector<std::string> image_hosts;
  std::string api_key_file, config_file, host = "127.0.0.1", certificate_file, key_file;
  int port = 8080;
  bool insecure = false, check_config = false;
  uint64_t max_body_bytes = uint64_t{32} << 20;
  int64_t max_queued_tokens = 1 << 20;
  double client_timeout = 10, request_timeout = 30, idle_timeout = 60;  // seconds
  int http_threads = 2, max_connections = 4096;

  void AddTo(Command& command);
  // Takes what was not given from the environment and the file. Errors: kUsage.
  Result<server::Config> Settle(Command& command);
  server::HttpOptions Http() const;
  // None without --allow-image-hosts. Errors: kUsage.
  Result<std::optional<server::FetchRules>> Images() const;
};

}  // namespace gatehouse::cli

#include "cli/serve_flags.h"

#include <chrono>

#include "base/error.h"
#include "base/input_file.h"
#include "cli/settings.h"

namespace gatehouse::cli {
namespace {

constexpr size_t kMaxKeyFile = 1u << 20;
constexpr double kLongest = 86400;  // seconds

std::chrono::milliseconds Milliseconds(double seconds) {
  return std::chrono::milliseconds(static_cast<int64_t>(seconds * 1e3));
}

// A key a line; empty lines are none.
Result<void> ReadKeys(const std::string& path, std::vector<std::string>* out) {
  GATEHOUSE_ASSIGN(const std::string text, ReadFile(path, kMaxKeyFile, ErrorCode::kUsage));
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    std::string line = text.substr(begin, end - begin);
    while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.pop_back();
    if (!line.empty()) out->push_back(std::move(line));
    begin = end + 1;
  }
  return {};
}

}  // namespace

void ServeFlags::AddTo(Command& command) {
  model.log_level = "info";
  model.AddTo(command);
  command.Path("--config", &config_file, "TOML file with any of these options, keys and policies");
  command.Flag("--check-config", &check_config, "look at options and file, and end: 0 good, 2 not");
  command.Value("--host", &host, "address to listen on (default: 127.0.0.1)");
  command.Value("--port", &port, "port to listen on (default: 8080; 0: one that is free)").Between(0, 65535);
  command
      .Value("--served-model-name", &served_names,
             "name of the guard for clients; may be given more than once (default: the model's)")
      .SplitAtCommas();
  command.Value("--api-key", &api_keys, "key that clients must show; may be given more than once")
      .SplitAtCommas();
  command.Path("--api-key-file", &api_key_file, "file with such keys, one a line");
  command.Flag("--insecure", &insecure, "listen on other addresses than loopback without a key");
  command.Path("--ssl-cert-file", &certificate_file, "certificate chain (PEM): answer by TLS");
  command.Path("--ssl-key-file", &key_file, "its private key (PEM)");
  command.Value("--max-body-bytes", &max_body_bytes, "largest body of a request (default: 32 MiB)")
      .Bytes()
      .AtLeast(1);
  command
      .Value("--max-queued-tokens", &max_queued_tokens,
             "tokens that may wait to be judged (default: 1048576)")
      .AtLeast(1);
  command
      .Value("--allow-image-hosts", &image_hosts,
             "hosts that images are fetched from, by commas: HOST or HOST:PORT (default: none are fetched)")
      .SplitAtCommas();
  long_input.AddTo(command);
  command
      .Value("--client-timeout", &client_timeout,
             "seconds that a client may take over a request's head, each 8 KiB of its body, and its answer "
             "(default: 10)")
      .Between(0.1, kLongest);
  command
      .Value("--request-timeout", &request_timeout,
             "seconds until an answer's first byte, at most; a client may ask for less by X-Request-Timeout "
             "(default: 30)")
      .Between(0.001, kLongest);
  command.Value("--idle-timeout", &idle_timeout, "seconds that a connection may be silent (default: 60)")
      .Between(0.1, kLongest);
  command.Value("--max-connections", &max_connections, "connections at once (default: 4096)")
      .Between(1, 1000000);
  command.Value("--http-threads", &http_threads, "threads that read and write requests (default: 2)")
      .Between(1, 256);
  upstream.AddTo(command);
}

Result<server::Config> ServeFlags::Settle(Command& command) {
  GATEHOUSE_TRY(TakeFromEnvironment(command));
  server::Config config;
  if (!config_file.empty()) {
    GATEHOUSE_ASSIGN(config, server::ReadConfig(config_file));
    GATEHOUSE_TRY(TakeFromFile(command, config.flags, config_file, {"config", "check-config"}));
  }
  GATEHOUSE_TRY(command.CheckAll());
  if (!api_key_file.empty()) GATEHOUSE_TRY(ReadKeys(api_key_file, &api_keys));
  model.guard.max_waiting_tokens = max_queued_tokens;
  return config;
}

server::HttpOptions ServeFlags::Http() const {
  server::HttpOptions out;
  out.host = host;
  out.port = port;
  out.max_body_bytes = max_body_bytes;
  out.client_timeout = Milliseconds(client_timeout);
  out.idle_timeout = Milliseconds(idle_timeout);
  out.drain_timeout = Milliseconds(request_timeout);
  out.max_connections = max_connections;
  out.threads = http_threads;
  out.certificate_file = certificate_file;
  out.key_file = key_file;
  return out;
}

Result<std::optional<server::FetchRules>> ServeFlags::Images() const {
  std::optional<server::FetchRules> out;
  if (image_hosts.empty()) return out;
  out.emplace();
  for (const std::string& text : image_hosts) {
    GATEHOUSE_ASSIGN(server::AllowedHost allowed, server::ParseAllowedHost(text, "--allow-image-hosts"));
    out->hosts.push_back(std::move(allowed));
  }
  out->max_bytes = model.guard.max_image_bytes;
  out->max_total = static_cast<size_t>(max_body_bytes / 4 * 3);  // as base64 they fill a body
  return out;
}

}  // namespace gatehouse::cli

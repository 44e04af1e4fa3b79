#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>

#include "base/error.h"
#include "base/memory_reserve.h"
#include "cli/output.h"
#include "cli/serve_flags.h"
#include "cli/serve_log.h"
#include "server/access.h"
#include "server/client.h"
#include "server/gateway.h"

namespace gatehouse::cli {
namespace {

using server::Config;

Error AsUsage(Error error) {
  error.code = ErrorCode::kUsage;
  return error;
}

LogLevel LevelOf(const std::string& word) {
  if (word == "off") return LogLevel::kOff;
  if (word == "trace") return LogLevel::kTrace;
  if (word == "debug") return LogLevel::kDebug;
  if (word == "info") return LogLevel::kInfo;
  return word == "warn" ? LogLevel::kWarn : LogLevel::kError;
}

// Loads the model beside the server, and reads keys and policies anew when it is asked to.
class Loader {
 public:
  Loader(const ServeFlags& flags, Config config, std::vector<server::Key> keys, GuardOptions guard_options,
         server::Gateway& gateway, server::RequestLog& log)
      : flags_(flags),
        config_(std::move(config)),
        keys_(std::move(keys)),
        guard_options_(std::move(guard_options)),
        gateway_(gateway),
        log_(log) {}

  // failed: called where the model cannot be loaded; Problem says why.
  void Start(std::function<void()> failed) {
    thread_ = std::thread([this, failed = std::move(failed)] {
      if (const Result<void> loaded = Load(); !loaded.ok()) {
        problem_ = loaded.error();
        return failed();
      }
      while (WaitForReload()) Reload();
    });
  }
  void AskForReload() {
    {
      const std::lock_guard lock(mutex_);
      reload_ = true;
    }
    changed_.notify_all();
  }
  // Waits for what it is at.
  std::optional<Error> Stop() {
    {
      const std::lock_guard lock(mutex_);
      stop_ = true;
    }
    changed_.notify_all();
    if (thread_.joinable()) thread_.join();
    return problem_;
  }

 private:
  Result<void> Load() {
    GATEHOUSE_ASSIGN(Guard loaded, Guard::Load(guard_options_));
    const auto guard = std::make_shared<const Guard>(std::move(loaded));
    GATEHOUSE_ASSIGN(const auto access, LoadAccess(config_, keys_, *guard));
    gateway_.Open(guard, access);
    log_.Event(LogLevel::kInfo, "ready", std::move(JsonObject().Add("model", guard->model_name())));
    return {};
  }
  bool WaitForReload() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return reload_ || stop_; });
    reload_ = false;
    return !stop_;
  }
  void Reload() {
    const Result<void> read = [&]() -> Result<void> {
      if (flags_.config_file.empty()) return UsageError("nothing to read anew", "--config", "a file", "none");
      GATEHOUSE_ASSIGN(const Config config, server::ReadConfig(flags_.config_file));
      GATEHOUSE_ASSIGN(std::vector<server::Key> keys, KeysOf(config, flags_.api_keys));
      // Whoever listens to the world because there were keys must not end up without.
      if (keys.empty() != keys_.empty())
        return UsageError("keys come or go", flags_.config_file, "a restart for that",
                          keys.empty() ? "no key" : "keys");
      const auto guard = gateway_.guard();
      if (guard == nullptr) return {};
      GATEHOUSE_ASSIGN(const auto access, LoadAccess(config, std::move(keys), *guard));
      gateway_.Use(access);
      return {};
    }();
    if (read.ok()) {
      log_.Event(LogLevel::kInfo, "reloaded");
    } else {
      log_.Event(LogLevel::kError, "not reloaded, all stays as it was",
                 std::move(JsonObject().Add("error", read.error().Message())));
    }
  }

  const ServeFlags& flags_;
  const Config config_;
  const std::vector<server::Key> keys_;
  const GuardOptions guard_options_;
  server::Gateway& gateway_;
  server::RequestLog& log_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool reload_ = false, stop_ = false;
  std::optional<Error> problem_;
  std::thread thread_;
};

// Exit code 2 whatever is wrong.
Result<int> CheckConfig(const ServeFlags& flags, const Config& config, bool has_keys) {
  GATEHOUSE_TRY(flags.upstream.Settings(has_keys, flags.idle_timeout));
  GATEHOUSE_TRY(flags.Images());
  if (const auto policies = CheckPolicies(config); !policies.ok()) return AsUsage(policies.error());
  if (const auto http = server::HttpServer::Check(flags.Http()); !http.ok()) return AsUsage(http.error());
  GATEHOUSE_TRY(PrintText("the configuration is good\n"));
  return 0;
}

Result<int> Serve(Command& command, ServeFlags& flags) {
  // Far more than all requests under way take to end.
  constexpr size_t kReserve = size_t{16} << 20;
  MemoryReserve::Keep(kReserve);
  GATEHOUSE_ASSIGN(const Config config, flags.Settle(command));
  GATEHOUSE_ASSIGN(const std::vector<server::Key> keys, KeysOf(config, flags.api_keys));
  if (flags.check_config) return CheckConfig(flags, config, !keys.empty());
  GATEHOUSE_ASSIGN(const GuardOptions guard_options, flags.model.Resolve());
  GATEHOUSE_ASSIGN(const std::string version, VersionText(false));

  ServeLog lines;
  server::RequestLog log(
      LevelOf(flags.model.log_level), [&](std::string_view line) { lines.Write(line); },
      [&] { return lines.dropped(); });
  log.TakeLibraryLog();
  server::GatewayOptions options;
  options.version = version.substr(version.find(' ') + 1, version.find('\n') - version.find(' ') - 1);
  options.served_names = flags.served_names;
  options.keys = keys;
  options.any_host = flags.insecure;
  options.request_timeout = std::chrono::duration<double>(flags.request_timeout);
  flags.long_input.ApplyTo(&options.long_input);
  options.max_image_bytes = flags.model.guard.max_image_bytes;
  GATEHOUSE_ASSIGN(options.images, flags.Images());
  Loader* loader_at = nullptr;
  options.on_hang_up = [&] { loader_at->AskForReload(); };
  server::Gateway gateway(std::move(options), log);
  GATEHOUSE_ASSIGN(const auto upstream, flags.upstream.Settings(!keys.empty(), flags.idle_timeout));
  if (upstream) GATEHOUSE_TRY(gateway.UseUpstream(*upstream));
  Loader loader(flags, config, keys, guard_options, gateway, log);
  loader_at = &loader;
  GATEHOUSE_ASSIGN(const auto http, server::HttpServer::Listen(flags.Http(), gateway));
  if (keys.empty() && !flags.insecure && !server::IsLoopbackAddress(http->address()))
    return UsageError("open to everybody", "--host", "a loopback address, a key, or --insecure",
                      http->address());
  log.Event(LogLevel::kInfo, "listening",
            std::move(JsonObject().Add("address", http->address()).Add("port", http->port())));
  loader.Start([&] { http->Stop(); });
  http->Run();
  const std::optional<Error> problem = loader.Stop();
  // The guard first: its last answers go by way of the server.
  gateway.Close();
  SetLogSink(LogLevel::kOff, {});
  if (problem) return *problem;
  log.Event(LogLevel::kInfo, "ended");
  return 0;
}

}  // namespace

void AddServe(Command& gatehouse) {
  Command& command =
      gatehouse.Add("serve", "Answer moderation requests by HTTP, and filter those to another model");
  command.Footer(
      "Each option also comes from the environment (--max-body-bytes: GATEHOUSE_MAX_BODY_BYTES) and from "
      "the\n"
      "file of --config (max-body-bytes = 1048576); the command line comes first, then the environment.\n"
      "Signals: TERM ends once answers under way are out, HUP reads keys and policies anew.\n"
      "Examples:\n"
      "  gatehouse serve\n"
      "  gatehouse serve --model llama-guard-4 --host 0.0.0.0 --api-key-file keys.txt\n"
      "  gatehouse serve --upstream http://127.0.0.1:8000/v1\n"
      "  gatehouse serve --config gatehouse.toml --check-config");
  auto flags = std::make_shared<ServeFlags>();
  flags->AddTo(command);
  command.Does([flags, &command] { return Serve(command, *flags); });
}

}  // namespace gatehouse::cli

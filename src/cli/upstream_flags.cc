#include "cli/upstream_flags.h"

#include <algorithm>

#include "base/error.h"
#include "server/routes.h"

namespace gatehouse::cli {

void UpstreamFlags::AddTo(Command& command) {
  command.Value("--upstream", &upstream,
                "server whose models stand behind the filter: http://127.0.0.1:8000/v1");
  command.Value("--filter", &filter, "what is judged of requests to it (default: both)")
      .OneOf({"none", "input", "output", "both"});
  command.Value("--upstream-api-key", &api_key, "key that is shown to it");
  command
      .Flag("--forward-auth", &forward_auth, "show it the client's own Authorization (without keys of ours)")
      .Excludes("--upstream-api-key");
  command.Value("--on-block", &on_block, "what a client gets in place of what is blocked (default: empty)")
      .OneOf({"empty", "error", "refusal", "403"});
  command.Value("--refusal", &refusal, "the text of --on-block=refusal");
  command.Flag("--judge-history", &judge_history, "judge every turn of the user, not only the last");
  command
      .Value(
          "--input-check", &input_check,
          "when the upstream is called: before (the request is judged first), or parallel (default: before)")
      .OneOf({"before", "parallel"});
  command
      .Value("--unjudged", &unjudged,
             "parts that cannot be judged, audio and the like: refuse, or pass (default: refuse)")
      .OneOf({"refuse", "pass"});
  command.Flag("--fail-open", &fail_open, "let through what the guard fails to judge (default: refuse it)");
  command.Flag("--shadow", &shadow, "hold and change nothing: record what would follow");
  command
      .Value("--pass", &passed, "a further path of the upstream, such as /v1/embeddings: nothing is judged")
      .SplitAtCommas();
  command
      .Value("--check-tokens", &check_tokens, "tokens of a stream from one verdict to the next (default: 32)")
      .Between(1, 1 << 20);
  command
      .Value("--check-ms", &check_ms,
             "milliseconds after which what waits is judged anyway (default: 200; 0: never)")
      .Between(0, 3600000);
  command.Value("--holdback", &holdback, "tokens of a stream that may wait for a verdict (default: 4096)")
      .Between(1, 1 << 24);
}

Result<std::optional<server::ProxySettings>> UpstreamFlags::Settings(bool has_keys,
                                                                     double idle_timeout) const {
  std::optional<server::ProxySettings> out;
  if (upstream.empty()) {
    if (!filter.empty() || !api_key.empty() || forward_auth || shadow || fail_open || !passed.empty())
      return UsageError("nothing to filter", "--upstream", "an address", "nothing");
    return out;
  }
  out.emplace();
  GATEHOUSE_ASSIGN(out->target, server::ParseTarget(upstream, "--upstream"));
  out->input = filter.empty() || filter == "both" || filter == "input";
  out->output = filter.empty() || filter == "both" || filter == "output";
  if (forward_auth && has_keys)
    return UsageError("keys of ours would go upstream", "--forward-auth", "no keys, or --upstream-api-key",
                      "keys");
  out->forward_auth = forward_auth;
  out->api_key = api_key;
  for (const char c : api_key) {
    if (c <= ' ' || c >= 0x7f)
      return UsageError("malformed key", "--upstream-api-key", "visible ASCII", "another text");
  }
  out->on_block = on_block == "error"     ? server::OnBlock::kError
                  : on_block == "refusal" ? server::OnBlock::kRefusal
                  : on_block == "403"     ? server::OnBlock::kForbid
                                          : server::OnBlock::kEmpty;
  out->refusal = refusal;
  out->judge_history = judge_history;
  out->shadow = shadow;
  out->fail_open = fail_open;
  out->leave_out = unjudged == "pass";
  out->input_beside = input_check == "parallel";
  for (const std::string& path : passed) {
    const bool good = path.starts_with("/") && std::all_of(path.begin(), path.end(), [](char c) {
                        return c > ' ' && c < 0x7f && c != '?' && c != '#' && c != '%';
                      });
    if (!good) return UsageError("malformed path", "--pass", "/v1/embeddings or the like", "another text");
    if (server::FindRoute(path) != server::kNoRoute)
      return UsageError("a path of our own", "--pass", "another", path);
  }
  out->passed = passed;
  out->check_tokens = check_tokens;
  out->check_ms = check_ms;
  out->holdback = holdback;
  out->limits.silence = std::chrono::milliseconds(static_cast<int64_t>(idle_timeout * 1e3));
  return out;
}

}  // namespace gatehouse::cli

// Any bytes as the body of a chat request: an error, or what goes upstream is the same request without the
// members that are ours, and every text that it brings is among what is judged. Seeds: requests/.
#include <cstdint>
#include <string>

#include "formats/json.h"
#include "server/proxy_request.h"

namespace {

using namespace gatehouse;
using namespace gatehouse::server;

void Check(const Request& request, const ProxySettings& settings) {
  const Result<ProxyRequest> read = ReadProxyRequest(request, settings, 1 << 20);
  if (!read.ok()) {
    if (read.error().Message().empty()) __builtin_trap();
    return;
  }
  // Only what our own reader takes gets this far; what leaves must be the same to it.
  Result<Json> came = ParseJson(request.body, "body", ErrorCode::kBadInput);
  const Result<Json> leaves = ParseJson(read->body, "body", ErrorCode::kBadInput);
  if (!came.ok() || !leaves.ok()) __builtin_trap();
  came->erase("moderation");
  came->erase("guard");
  if (*came != *leaves) __builtin_trap();
  // Who is asked is decided before the body is parsed.
  if (ModelNamedIn(request.body) != read->model) __builtin_trap();
  if (settings.input && read->inputs.empty()) __builtin_trap();
  if (!settings.input) return;
  // A plain text behind the last answer is judged.
  const Json& messages = came->at("messages");
  const Json& last = messages.back();
  if (last.value("role", Json()) != "user" || !last.contains("content") || !last["content"].is_string())
    return;
  std::string judged;
  for (const Message& message : read->inputs.back().messages) {
    for (const Part& part : message.parts) judged += part.text;
  }
  if (judged.find(last["content"].get<std::string>()) == std::string::npos) __builtin_trap();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Request request;
  request.body.assign(reinterpret_cast<const char*>(data), size);
  ProxySettings settings;
  Check(request, settings);
  settings.judge_history = true;
  Check(request, settings);
  settings.input = settings.output = false;
  Check(request, settings);
  return 0;
}

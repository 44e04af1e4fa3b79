// Any bytes as an upstream's answer: whole, and as a stream's events, which are the same however the bytes
// are cut; what a choice says grows into a message that can be judged and holds every text of it, or is an
// error. Seeds: answers/.
#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "benchmark/bench_guard.h"
#include "formats/json.h"
#include "server/proxy_answer.h"
#include "server/sse.h"
#include "server/streamed_choice.h"

namespace {

using namespace gatehouse;
using namespace gatehouse::server;

struct Events {
  bool good = true, within = false;
  std::vector<std::string> data;
  bool operator==(const Events&) const = default;
};

// step: bytes that arrive at once. What came before an error stands.
Events Read(std::string_view bytes, size_t step) {
  Events out;
  EventReader reader;
  while (!bytes.empty() && out.good) {
    out.good = reader.Add(bytes.substr(0, step), &out.data).ok();
    bytes.remove_prefix(std::min(step, bytes.size()));
  }
  out.within = out.good && reader.is_within();
  return out;
}

// A guard counts tokens; it judges nothing here.
const Guard& SmallGuard() {
  static const auto* guard = [] {
    benchmark::BenchGuardOptions options;
    options.shape = "smollm2-135m";
    options.layers = 1;
    options.guard.threads = 1;
    auto loaded = benchmark::BenchGuard::Load(options);
    if (!loaded.ok()) __builtin_trap();
    return new benchmark::BenchGuard(std::move(*loaded));
  }();
  return guard->guard();
}

std::string TextOf(const Message& message) {
  std::string out;
  for (const Part& part : message.parts) out += part.text;
  return out;
}

void Grow(const std::vector<std::string>& events) {
  Conversation before;
  before.AddUser("hello");
  StreamedChoice choice(SmallGuard());
  std::vector<std::string> said;
  for (const std::string& data : events) {
    const Result<Json> event = ParseJson(data, "event", ErrorCode::kBadInput);
    if (!event.ok() || !event->is_object() || !event->contains("choices") || !event->at("choices").is_array())
      return;
    for (const Json& json : event->at("choices")) {
      if (!CheckChoice(json, "delta", "choices", nullptr).ok() || !json.contains("delta")) return;
      ++choice.position;
      if (!choice.Add(json["delta"], nullptr).ok()) return;
      for (const char* name : {"content", "refusal", "reasoning_content"}) {
        const auto found = json["delta"].find(name);
        if (found != json["delta"].end() && found->is_string()) said.push_back(*found);
      }
    }
  }
  choice.answer.CountTokens(SmallGuard(), choice.Text());
  if (!choice.CanBeJudged()) return;
  const Result<Conversation> judged = WithAnswer(before, choice.message, "delta", nullptr);
  if (!judged.ok()) return;
  const std::string text = TextOf(judged->messages.back());
  for (const std::string& one : said) {
    if (text.find(one) == std::string::npos) __builtin_trap();
  }
}

void ReadWhole(const std::string& body, bool leave_out) {
  Conversation before;
  before.AddUser("hello");
  const Result<ProxyAnswer> answer = ReadProxyAnswer(body, before, leave_out);
  if (!answer.ok()) {
    if (answer.error().Message().empty()) __builtin_trap();
    return;
  }
  if (answer->choices.size() != answer->root["choices"].size()) __builtin_trap();
  for (size_t i = 0; i < answer->choices.size(); ++i) {
    const Json& message = answer->root["choices"][i]["message"];
    const auto content = message.find("content");
    if (content == message.end() || !content->is_string()) continue;
    if (TextOf(answer->choices[i].messages.back()).find(content->get<std::string>()) == std::string::npos)
      __builtin_trap();
  }
  const std::vector<bool> blocked(answer->choices.size(), true);
  const Result<Json> emptied =
      ParseJson(WithBlocked(answer->root, blocked, {}, {}), "answer", ErrorCode::kBadInput);
  if (!emptied.ok()) __builtin_trap();
  for (const Json& choice : emptied->at("choices")) {
    if (choice["message"]["content"] != "" || choice["finish_reason"] != "content_filter") __builtin_trap();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  const Events whole = Read(bytes, size + 1);
  if (size < 4096 && !(Read(bytes, 1) == whole)) __builtin_trap();
  if (!(Read(bytes, 7) == whole)) __builtin_trap();
  Grow(whole.data);
  ReadWhole(bytes, false);
  ReadWhole(bytes, true);
  return 0;
}

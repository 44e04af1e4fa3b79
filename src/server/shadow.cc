#include "server/shadow.h"

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "guard/loaded_policy.h"
#include "server/proxy_answer.h"

namespace gatehouse::server {
namespace {

using Clock = std::chrono::steady_clock;

constexpr size_t kMaxChoices = 128;
constexpr size_t kMaxStreamBytes = 16u << 20;

// In the figures beside real decisions.
const char* WouldBe(Action action) {
  return action == Action::kBlock ? "would-block" : action == Action::kFlag ? "would-flag" : "pass";
}

}  // namespace

Shadow::Shadow(ProxyRoom room, const Asker& asker, std::string request_id)
    : room_(room),
      guard_(asker.guard),
      options_(asker.options),
      actions_(asker.actions),
      timeout_(asker.timeout),
      request_id_(std::move(request_id)) {}

void Shadow::JudgeInput(std::vector<Conversation> inputs) {
  if (!inputs.empty()) Judge("input", std::move(inputs));
}

void Shadow::JudgeAnswer(const std::string& body, const Conversation& before) {
  Result<ProxyAnswer> answer = ReadProxyAnswer(body, before, true);
  if (!answer.ok()) return Tell("output", answer.error());
  left_out_ = std::move(answer->left_out);
  if (!answer->choices.empty()) Judge("output", std::move(answer->choices));
}

void Shadow::OnBytes(std::string_view bytes) {
  if (malformed_) return;
  taken_ += bytes.size();
  if (taken_ > kMaxStreamBytes) {
    malformed_ = BadInput("stream too long to be judged", "events", "at most 16 MiB", "more");
    return choices_.clear();
  }
  std::vector<std::string> events;
  Result<void> read = reader_.Add(bytes, &events);
  for (size_t i = 0; i < events.size() && read.ok(); ++i) read = OnData(events[i]);
  if (!read.ok()) malformed_ = read.error();
}

Result<void> Shadow::OnData(const std::string& data) {
  if (data == "[DONE]") return {};
  GATEHOUSE_ASSIGN(const Json event, ParseJson(data, "event", ErrorCode::kBadInput));
  const auto list = event.is_object() ? event.find("choices") : event.end();
  if (list == event.end() || !list->is_array()) return {};
  const std::shared_ptr<const Guard> guard = guard_.lock();
  if (guard == nullptr) return Error{ErrorCode::kCancelled, "the server ends", {}, {}, {}};
  for (const Json& choice : *list) {
    GATEHOUSE_TRY(CheckChoice(choice, "delta", "choices", &left_out_));
    const int64_t index =
        choice.contains("index") && choice["index"].is_number_integer() ? choice["index"].get<int64_t>() : 0;
    if (choices_.size() >= kMaxChoices && !choices_.contains(index))
      return BadInput("too many choices", "choices", std::to_string(kMaxChoices), "more");
    StreamedChoice& own = choices_.try_emplace(index, *guard).first->second;
    const auto delta = choice.find("delta");
    if (delta != choice.end() && !SaysNothing(*delta)) GATEHOUSE_TRY(own.Add(*delta, &left_out_));
  }
  return {};
}

void Shadow::JudgeStream(const Conversation& before) {
  if (malformed_) return Tell("output", *malformed_);
  std::vector<Conversation> answers;
  for (const auto& [index, choice] : choices_) {
    Result<Conversation> answer = WithAnswer(before, choice.message, "delta", &left_out_);
    if (!answer.ok()) return Tell("output", answer.error());
    answers.push_back(std::move(*answer));
  }
  choices_.clear();
  if (!answers.empty()) Judge("output", std::move(answers));
}

void Shadow::Judge(const char* side, std::vector<Conversation> conversations) {
  const std::shared_ptr<const Guard> guard = guard_.lock();
  if (guard == nullptr) return;
  ClassifyOptions options = options_;
  options.deadline = Clock::now() + std::chrono::duration_cast<Clock::duration>(timeout_);
  batches_.push_back(Batch::BeginOn(room_.loop, *guard, std::move(conversations), side, std::move(options),
                                    [self = shared_from_this(), side](Result<std::vector<Verdict>> verdicts) {
                                      if (verdicts.ok()) return self->Record(side, *verdicts);
                                      self->Tell(side, verdicts.error());
                                    }));
}

void Shadow::Record(const char* side, const std::vector<Verdict>& verdicts) {
  Action strongest = Action::kIgnore;
  int unsafe = 0;
  for (const Verdict& verdict : verdicts) {
    const Action action = ActionOf(verdict, actions_);
    strongest = std::max(strongest, action);
    unsafe += verdict.unsafe;
    room_.metrics.OnVerdict(verdict, options_.policy->policy, WouldBe(action));
  }
  JsonObject details;
  details.Add("request", request_id_).Add("side", side).Add("decision", WouldBe(strongest));
  details.Add("judged", std::to_string(verdicts.size())).Add("unsafe", std::to_string(unsafe));
  if (!left_out_.empty()) details.Add("unjudged_parts", std::to_string(left_out_.size()));
  room_.log.Event(LogLevel::kInfo, "shadow", std::move(details));
}

void Shadow::Tell(const char* side, const Error& problem) {
  if (problem.code == ErrorCode::kCancelled) return;
  // Not where: members' names are somebody's text.
  room_.log.Event(
      LogLevel::kWarn, "shadow",
      std::move(JsonObject().Add("request", request_id_).Add("side", side).Add("problem", problem.what)));
}

void Shadow::Stop() {
  for (const auto& batch : batches_) batch->Cancel();
}

}  // namespace gatehouse::server

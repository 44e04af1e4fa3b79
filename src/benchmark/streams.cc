#include "benchmark/streams.h"

#include <algorithm>
#include <string>
#include <thread>
#include <utility>

#include "base/cpu.h"
#include "base/error.h"
#include "benchmark/rounds.h"
#include "formats/json_object.h"
#include "gatehouse/stream.h"

namespace gatehouse::benchmark {
namespace {

// What answers cost, summed over all at once.
struct Cost {
  double seconds = 0;
  int64_t rows = 0;    // of passes: tokens, and questions about what comes next
  int64_t tokens = 0;  // of texts
  int64_t checks = 0;
  int64_t answer_tokens = 0;
};

class Answers {
 public:
  Answers(const BenchGuard& subject, int streams) : subject_(subject), streams_(streams) {}

  // check_tokens: 0: judged at their ends alone. Each call has messages that no other had.
  Result<Cost> Measure(int64_t check_tokens) {
    std::vector<Conversation> before;
    std::vector<std::string> texts;
    for (int i = 0; i < streams_; ++i) {
      const std::string text = subject_.Message(next_++).messages.front().parts.front().text;
      before.emplace_back().AddUser(text.substr(0, text.find(' ', kQuestionBytes)));
      texts.push_back(text);
      GATEHOUSE_TRY(subject_.guard().Classify(before.back(), subject_.request()));
    }
    const EngineStats at_first = subject_.engine().stats();
    std::vector<Result<Cost>> costs(texts.size(), Cost{});
    const Clock::time_point begin = Clock::now();
    {
      std::vector<std::jthread> threads;
      for (size_t i = 0; i < texts.size(); ++i)
        threads.emplace_back([&, i] { costs[i] = Grow(before[i], texts[i], check_tokens); });
    }
    Cost out;
    out.seconds = SecondsSince(begin);
    const EngineStats at_last = subject_.engine().stats();
    out.rows = at_last.rows - at_first.rows;
    out.tokens = at_last.tokens - at_first.tokens;
    for (const Result<Cost>& cost : costs) {
      if (!cost.ok()) return cost.error();
      out.checks += cost->checks;
      out.answer_tokens += cost->answer_tokens;
    }
    return out;
  }

  // Tokens of a prompt behind the message that is judged: those that two answers' prompts have in common
  // there.
  Result<int64_t> Tail() const {
    std::vector<std::vector<int32_t>> ids;
    for (const int number : {1, 2}) {
      Conversation conversation;
      conversation.AddUser(subject_.Message(0).messages.front().parts.front().text);
      conversation.AddAssistant(subject_.Message(number).messages.front().parts.front().text +
                                std::to_string(number));
      const Guard::Impl& impl = ImplOf(subject_.guard());
      const PolicyHandle policy = subject_.guard().policy();
      GATEHOUSE_ASSIGN(PreparedRequest prepared, impl.Prepare(*policy, conversation, subject_.request()));
      ids.push_back(std::move(prepared.tokens.ids));
    }
    const auto [one, other] = std::mismatch(ids[0].rbegin(), ids[0].rend(), ids[1].rbegin(), ids[1].rend());
    return one - ids[0].rbegin();
  }

 private:
  static constexpr size_t kQuestionBytes = 60;

  Result<Cost> Grow(const Conversation& before, const std::string& text, int64_t check_tokens) const {
    Stream stream(subject_.guard(), before, subject_.request());
    Cost out;
    for (size_t at = 0; at < text.size();) {
      const size_t end = std::min(text.find(' ', at + 1), text.size());
      stream.Add(text.substr(at, end - at));
      at = end;
      if (check_tokens == 0 || at == text.size() || stream.unjudged_tokens() < check_tokens) continue;
      GATEHOUSE_TRY(stream.Check());
      ++out.checks;
    }
    GATEHOUSE_TRY(stream.Finish());
    ++out.checks;
    out.answer_tokens = static_cast<int64_t>(ImplOf(subject_.guard()).tokenizer->Encode(text).size());
    return out;
  }

  const BenchGuard& subject_;
  const int streams_;
  int next_ = 3;
};

}  // namespace

Result<void> BenchStreams(const BenchStreamsOptions& options, const Console& console) {
  GATEHOUSE_ASSIGN(const BenchGuard subject, BenchGuard::Load(options.subject));
  Answers answers(subject, options.streams);
  GATEHOUSE_ASSIGN(const int64_t tail, answers.Tail());
  if (!options.json)
    GATEHOUSE_TRY(console.Print("{}; {}\n{} answers at once, {} tokens behind each\n", CpuModelName(),
                                subject.guard().backend_description(), options.streams, tail));
  for (const int64_t check_tokens : options.check_tokens) {
    std::vector<double> times, rows, spare;
    Cost last;
    for (int round = 0; round <= options.rounds; ++round) {  // the first one warms up
      GATEHOUSE_ASSIGN(const Cost once, answers.Measure(0));
      GATEHOUSE_ASSIGN(const Cost grown, answers.Measure(check_tokens));
      if (round == 0) continue;
      times.push_back(grown.seconds / once.seconds);
      rows.push_back(static_cast<double>(grown.rows) / static_cast<double>(once.rows));
      spare.push_back(static_cast<double>(grown.tokens - grown.answer_tokens) /
                          static_cast<double>(grown.checks) -
                      static_cast<double>(tail));
      last = grown;
    }
    if (options.json) {
      GATEHOUSE_TRY(console.print(JsonObject()
                                      .Add("bench", "streams")
                                      .Add("model", subject.guard().model_name())
                                      .Add("streams", options.streams)
                                      .Add("check_tokens", check_tokens)
                                      .Add("answer_tokens", last.answer_tokens)
                                      .Add("checks", last.checks)
                                      .Add("tail", tail)
                                      .Add("tokens", last.tokens)
                                      .AddRounded("rows", Median(rows), 3)
                                      .AddRounded("time", Median(times), 3)
                                      .AddRounded("tokens_over_a_check", Median(spare), 2)
                                      .Text() +
                                  "\n"));
      continue;
    }
    GATEHOUSE_TRY(
        console.Print("  every {:4} tokens: {:5} checks, {} tokens computed for {}: a check takes the tail "
                      "and {:.2f} more; {:.3f} the "
                      "rows and {:.3f} the time of one check at the end\n",
                      check_tokens, last.checks, last.tokens, last.answer_tokens, Median(spare), Median(rows),
                      Median(times)));
  }
  return {};
}

}  // namespace gatehouse::benchmark

#include "guard/judging.h"

#include <algorithm>
#include <new>
#include <utility>

#include "base/elapsed.h"
#include "base/error.h"
#include "base/log.h"
#include "policy/worst_verdict.h"
#include "text/normalise.h"

namespace gatehouse {
namespace {

JudgeOptions JudgeOptionsOf(const ClassifyOptions& request, const RequestContext& how) {
  JudgeOptions out;
  out.thresholds = request.thresholds;
  out.raw_output = request.raw_output;
  out.greedy_decision = request.greedy_decision;
  out.keys_only_where_they_matter = how.keys_only_where_they_matter;
  return out;
}

// Whether that changes any.
bool NormaliseTexts(Conversation* conversation) {
  bool changed = false;
  for (Message& message : conversation->messages) {
    for (Part& part : message.parts) {
      std::string normalised = Normalise(part.text);
      changed = changed || normalised != part.text;
      part.text = std::move(normalised);
    }
  }
  return changed;
}

}  // namespace

Judging::Judging(Guard::Impl& guard, Conversation conversation, ClassifyOptions request, Guard::Done done,
                 RequestContext how)
    : Task(guard.engine->pool()),
      guard_(guard),
      conversation_(std::move(conversation)),
      request_(std::move(request)),
      how_(std::move(how)),
      policy_(request_.policy != nullptr ? request_.policy : guard.own_policy()),
      lane_(guard.LaneOf(request_.tenant)),
      done_(std::move(done)) {
  deadline = request_.deadline;
  scope = {policy_->number(), request_.tenant};
  keep_text = how_.keep_text;
  if (how_.memory != nullptr) kept = how_.memory->kept;
}

void Judging::Begin() {
  guard_.engine->Enter(Self());
  guard_.preparing().Post(std::shared_ptr<WorkItem>(Self(), &prepare_item_), lane_);
}

void Judging::Cancel() { guard_.engine->Cancel(Self()); }

void Judging::Prepare() noexcept {
  if (finished_.load()) return;
  const Result<void> ready = [&]() -> Result<void> {
    try {
      return PrepareText();
    } catch (const std::bad_alloc&) {
      return OutOfMemory("request");
    }
  }();
  if (ready.ok()) return;
  guard_.engine->Leave(Self());
  Finish(CopyOrOutOfMemory(ready.error(), "request"));
}

// The parts of the request begin, unless its deadline has ended it.
void Judging::BeginParts(const std::shared_ptr<SideBySide>& parts, int64_t cost) {
  {
    const std::lock_guard lock(ticket_mutex_);
    if (finished_.load()) return;
    if (cost > 0) ticket.Correct(cost);
    parts_ = parts;
  }
  parts->Begin();
}

SideBySide::Done Judging::WhenPartsAreJudged(Together together) {
  return [self = Self(), together](Result<std::vector<Verdict>> verdicts) {
    self->guard_.engine->Leave(self);
    if (!verdicts.ok()) {
      self->Finish(CopyOrOutOfMemory(verdicts.error(), "request"));
      return;
    }
    try {
      self->Finish((self.get()->*together)(std::move(*verdicts)));
    } catch (const std::bad_alloc&) {
      self->Finish(OutOfMemory("request"));
    }
  };
}

Result<void> Judging::PrepareText() {
  if (request_.normalise && !how_.window && !conversation_.raw) {
    Conversation normalised = conversation_;
    if (NormaliseTexts(&normalised)) return AskBoth(std::move(normalised));
  }
  // What somebody rendered himself nobody else can cut.
  const bool may_be_cut = !request_.refuse_long && !how_.window && !conversation_.raw;
  GATEHOUSE_ASSIGN(prepared_,
                   guard_.Prepare(*policy_, conversation_, request_, how_, may_be_cut, &finished_));
  if (prepared_.is_long) return AskWindows();
  const int64_t rounds = prepared_.images->rounds();
  {
    const std::lock_guard lock(ticket_mutex_);
    const int64_t text = static_cast<int64_t>(prepared_.tokens.ids.size()) - prepared_.tokens.prefix_tokens;
    ticket.Correct(rounds * (text + prepared_.images->tiles * kRowsOfTile));
  }
  return AskRound();
}

Result<void> Judging::AskRound() {
  GATEHOUSE_ASSIGN(judgement_, Judgement::Begin(policy_->policy, *guard_.tokenizer,
                                                prepared_.prompt.categories, JudgeOptionsOf(request_, how_)));
  input = guard_.InputOf(prepared_, round_);
  pictures.clear();
  for (size_t i = 0; i < prepared_.images->list.size(); ++i) {
    const TileSet& tiles = prepared_.images->list[i].At(round_).tiles;
    pictures.push_back({tiles.tiles, [images = prepared_.images, &tiles](int tile, std::span<float> out) {
                          NormaliseTile(tiles, tile, out);
                        }});
  }
  beginning = std::min(prepared_.tokens.prefix_tokens, static_cast<int32_t>(input.ids.size()) - 1);
  // The policy's own lists are common; what somebody asks with lists of his own is his.
  common =
      request_.categories.empty() && request_.keys.empty() && request_.exclude.empty() && !conversation_.raw;
  if (how_.window && how_.window->shared_tokens > beginning) {
    // All windows have the messages before the last one, too, and nobody else has.
    beginning = std::min(how_.window->shared_tokens, static_cast<int32_t>(input.ids.size()) - 1);
    common = false;
  }
  new_text = true;
  questions = judgement_->wanted();
  asked_ = Clock::now();
  prefill_ms_ = -1;
  decode_ms_ = 0;
  guard_.engine->Ask(Self());
  return {};
}

void Judging::OnAnswered() noexcept {
  answered_.store(true);
  guard_.judging().Post(std::shared_ptr<WorkItem>(Self(), &judge_item_));
}

void Judging::OnEnded(Error error) noexcept {
  end_ = std::move(error);
  ended_.store(true);
  guard_.judging().Post(std::shared_ptr<WorkItem>(Self(), &judge_item_));
}

void Judging::Judge() noexcept {
  if (ended_.load()) {
    Finish(std::move(end_));
    return;
  }
  if (!answered_.exchange(false)) return;
  const Result<void> stepped = [&]() -> Result<void> {
    try {
      return Step();
    } catch (const std::bad_alloc&) {
      return OutOfMemory("request");
    }
  }();
  if (stepped.ok()) return;
  guard_.engine->Leave(Self());
  Finish(CopyOrOutOfMemory(stepped.error(), "request"));
}

Result<void> Judging::Step() {
  if (prefill_ms_ < 0) {
    prefill_ms_ = MillisecondsSince(asked_) - vision_ms;
  } else {
    decode_ms_ += MillisecondsSince(asked_);
  }
  GATEHOUSE_TRY(judgement_->Tell(answers));
  if (!judgement_->done()) {
    questions = judgement_->wanted();
    asked_ = Clock::now();
    guard_.engine->Ask(Self());
    return {};
  }
  RoundDone();
  if (++round_ < prepared_.images->rounds()) return AskRound();
  Verdict verdict = WholeVerdict();
  guard_.engine->Leave(Self());
  Finish(std::move(verdict));
  return {};
}

// What is said of one round: sums and maxima are made of these.
void Judging::RoundDone() {
  Verdict verdict = std::move(judgement_->verdict());
  verdict.usage.prompt_tokens = static_cast<int>(input.ids.size());
  verdict.usage.cached_tokens = cached_tokens;
  verdict.usage.image_tokens = static_cast<int>(std::count_if(
      input.embedding_rows.begin(), input.embedding_rows.end(), [](int32_t row) { return row >= 0; }));
  verdict.timings.vision = vision_ms;
  verdict.timings.prefill = prefill_ms_;
  verdict.timings.decode = decode_ms_;
  verdicts_.push_back(std::move(verdict));
}

Verdict Judging::WholeVerdict() {
  return Completed(WorstOf(policy_->policy.verdict, std::move(verdicts_)), *prepared_.images);
}

Verdict Judging::Completed(Verdict verdict, const RequestImages& images) {
  verdict.role = prepared_.prompt.judged;
  verdict.model = guard_.model_name;
  verdict.policy = policy_->policy.name;
  verdict.usage.images = static_cast<int>(images.list.size());
  verdict.usage.frames = images.animated ? images.rounds() : 0;
  verdict.timings.image = prepared_.image_ms;
  verdict.timings.total = MillisecondsSince(begin_);
  if (LogEnabled(LogLevel::kDebug)) {
    // Never what people wrote, nor the verdict's text: a log is kept longer and read by more than an answer.
    Log(LogLevel::kDebug, "classified " + std::to_string(verdict.usage.prompt_tokens) + " tokens (" +
                              std::to_string(verdict.usage.cached_tokens) + " cached, " +
                              std::to_string(images.tiles) + " tiles) in " +
                              std::to_string(verdict.timings.total) + " ms");
  }
  return verdict;
}

void Judging::Finish(Result<Verdict> result) noexcept {
  if (finished_.exchange(true)) return;
  std::shared_ptr<SideBySide> parts;
  {
    const std::lock_guard lock(ticket_mutex_);
    ticket.GiveBack();
    parts = std::move(parts_);
  }
  if (parts != nullptr) parts->Cancel();  // nobody waits for those that are left
  const Guard::Done done = std::move(done_);
  try {
    done(std::move(result));
  } catch (...) {
    // A thread of the guard's must not end for it.
    Log(LogLevel::kError, "an exception left the caller's function for a verdict");
  }
}

}  // namespace gatehouse

#include "engine/scheduler.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/error.h"
#include "engine/batch_rows.h"

namespace gatehouse {
namespace {

using Clock = std::chrono::steady_clock;

// What a short request costs at most, in rows of products; what else it reads is counted in the same measure.
constexpr double kShortCost = 256;
// A long pass keeps the device for this share of a short pass's time between two stops: a third of the time
// is its own, and a short request waits half its own time, and for a layer.
constexpr double kLongShare = 0.5;

Error Busy(std::string what) { return {ErrorCode::kBusy, std::move(what), "engine", {}, {}}; }

double SecondsSince(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

}  // namespace

Scheduler::Scheduler(Decoder& decoder, KvCache& cache, const SchedulerOptions& options)
    : decoder_(decoder), cache_(cache), options_(options) {}

bool Scheduler::IsLong(const Sequence& sequence, const TokenInput& input) const {
  const double tokens = static_cast<double>(input.ids.size());
  const double left = tokens - sequence.length();
  return left * (1.0 + decoder_.limits().attention_factor * decoder_.AttentionShare() * tokens) > kShortCost;
}

bool Scheduler::MayTakeDevice(Work work) const {
  if (busy_) return false;
  switch (work) {
    case Work::kExclusive:
      return true;
    case Work::kLong:
      return exclusive_waiters_ == 0 || last_ == Work::kExclusive;
    case Work::kShort:
      return long_waiters_ == 0 || last_ != Work::kShort;
  }
  return true;
}

void Scheduler::TakeDevice(Work work) {
  busy_ = true;
  last_ = work;
  long_since_ = Clock::now();
}

Scheduler::Turn::Turn(Scheduler& scheduler) : scheduler_(scheduler) {
  std::unique_lock lock(scheduler_.mutex_);
  ++scheduler_.long_waiters_;
  ++scheduler_.exclusive_waiters_;
  scheduler_.changed_.wait(lock, [&] { return scheduler_.MayTakeDevice(Work::kExclusive); });
  --scheduler_.exclusive_waiters_;
  scheduler_.TakeDevice(Work::kExclusive);
}

Scheduler::Turn::~Turn() {
  {
    std::lock_guard lock(scheduler_.mutex_);
    --scheduler_.long_waiters_;
    scheduler_.busy_ = false;
  }
  scheduler_.changed_.notify_all();
}

SchedulerStats Scheduler::stats() const {
  std::lock_guard lock(mutex_);
  return stats_;
}

void Scheduler::set_prefill_chunk(int tokens) {
  std::lock_guard lock(mutex_);
  options_.prefill_chunk = tokens;
}

void Scheduler::set_max_waiting(int tasks) {
  std::lock_guard lock(mutex_);
  options_.max_waiting = tasks;
}

Result<void> Scheduler::Check(const TokenInput& input, std::span<const Question> questions) const {
  const int64_t vocab = decoder_.config().vocab;
  const auto check = [&](int32_t id) -> Result<void> {
    if (id >= 0 && id < vocab) return {};
    return Error{ErrorCode::kInternal, "token id out of range", "engine", "below " + std::to_string(vocab),
                 std::to_string(id)};
  };
  for (const int32_t id : input.ids) GATEHOUSE_TRY(check(id));
  for (const Question& question : questions) {
    for (const int32_t id : question.path) GATEHOUSE_TRY(check(id));
    for (const int32_t id : question.ids) GATEHOUSE_TRY(check(id));
  }
  if (!input.embedding_rows.empty() && input.embedding_rows.size() != input.ids.size())
    return InternalError("another number of embedding rows than of ids", "engine");
  for (const int32_t row : input.embedding_rows) {
    if (row >= input.embeddings.rows) return InternalError("embedding row out of range", "engine");
  }
  return {};
}

Result<NextTokens> Scheduler::Run(Sequence& sequence, const TokenInput& input,
                                  std::span<const Question> questions, const RunLimits& limits,
                                  const HiddenTap* tap) {
  GATEHOUSE_TRY(Check(input, questions));
  Task task{sequence, input, questions, limits, tap, IsLong(sequence, input)};
  if (task.left() < 0) return InternalError("the sequence is longer than the text", "engine");
  if (task.left() == 0 && std::any_of(questions.begin(), questions.end(),
                                      [](const Question& question) { return question.path.empty(); }))
    return InternalError("no token left to read the logits of", "engine");
  if (task.left() == 0 && questions.empty()) return NextTokens{};

  std::unique_lock lock(mutex_);
  if (static_cast<int>(waiting_.size()) >= options_.max_waiting) return Busy("too many requests are waiting");
  waiting_.push_back(&task);
  long_waiters_ += task.is_long;
  const Work work = task.is_long ? Work::kLong : Work::kShort;
  while (!task.done) {
    if (MayTakeDevice(work)) {
      TakeDevice(work);
      lock.unlock();
      Pass(task.is_long);
      lock.lock();
      busy_ = false;
      changed_.notify_all();
    } else if (limits.deadline || limits.cancelled != nullptr) {
      // Nobody is told when a flag is set: look now and then.
      changed_.wait_for(lock, std::chrono::milliseconds(20));
      if (!task.done && !task.running) GiveUpExpired();
    } else {
      changed_.wait(lock);
    }
  }
  if (task.is_long) {
    --long_waiters_;
    changed_.notify_all();  // short ones may have let it go first
  }
  return std::move(task.result);
}

void Scheduler::Finish(Task* task, Result<NextTokens> result) {
  task->result = std::move(result);
  task->done = true;
  waiting_.remove(task);
}

void Scheduler::GiveUpExpired() {
  const auto now = Clock::now();
  for (auto at = waiting_.begin(); at != waiting_.end();) {
    Task* task = *at++;  // Finish takes it out
    if (task->running) continue;
    if (task->limits.cancelled != nullptr && task->limits.cancelled->load(std::memory_order_relaxed)) {
      Finish(task, Error{ErrorCode::kCancelled, "the request was cancelled", "engine", {}, {}});
    } else if (task->limits.deadline && now >= *task->limits.deadline) {
      Finish(task, Error{ErrorCode::kLate, "the request's deadline has passed", "engine", {}, {}});
    }
  }
}

std::vector<Scheduler::Part> Scheduler::ChooseParts(bool is_long) {
  GiveUpExpired();
  // Those that finish soonest first, except that the oldest always gets on.
  std::vector<Task*> order;
  for (Task* task : waiting_) {
    if (task->is_long == is_long && !task->running) order.push_back(task);
  }
  if (order.size() > 1) {
    std::stable_sort(order.begin() + 1, order.end(), [](Task* a, Task* b) { return a->left() < b->left(); });
  }
  std::vector<Part> parts;
  const PassLimits limits = decoder_.limits();
  int32_t room = limits.max_rows;
  for (Task* task : order) {
    if (task->tap != nullptr && !parts.empty()) continue;  // shows the rows of its own pass only
    const int32_t left = task->left();
    const int32_t tokens = std::min({left, limits.long_chunk, options_.prefill_chunk});
    const int32_t tree = tokens == left ? TreeRows(task->questions) : 0;
    if (!parts.empty() && tokens + tree > room) continue;
    parts.push_back({task, tokens, tokens == left});
    task->running = true;
    room -= tokens + tree;
    if (task->tap != nullptr) break;
  }
  return parts;
}

std::vector<Scheduler::Part> Scheduler::FillBatch(std::vector<Part> parts, Batch* batch) {
  std::vector<Part> taken;
  for (Part& part : parts) {
    Task& task = *part.task;
    const size_t before = batch->rows.size();
    const auto number = static_cast<int32_t>(batch->sequences.size());
    const int32_t cached = task.sequence.length();
    AppendTokens(task.input, cached, part.tokens, number, batch);
    part.first_question = batch->questions.size();
    if (part.last) {
      const int32_t root = part.tokens > 0 ? static_cast<int32_t>(batch->rows.size()) - 1 : -1;
      AppendTree(task.questions, number, root, cached + part.tokens, batch);
    }
    const Result<void> room = task.sequence.Prepare(static_cast<int32_t>(batch->rows.size() - before));
    if (!room.ok()) {
      batch->rows.resize(before);
      batch->questions.resize(part.first_question);
      std::lock_guard lock(mutex_);
      Finish(&task, room.error());
      continue;
    }
    batch->sequences.push_back({task.sequence.pages(), cached});
    taken.push_back(std::move(part));
  }
  return taken;
}

void Scheduler::Pass(bool is_long) {
  const Clock::time_point begin = Clock::now();
  std::vector<Part> parts;
  {
    std::lock_guard lock(mutex_);
    parts = ChooseParts(is_long);
  }
  if (parts.empty()) return;
  Batch batch;
  parts = FillBatch(std::move(parts), &batch);
  if (parts.empty()) return;
  const HiddenTap* tap = parts.front().task->tap;
  Result<NextTokens> answers =
      is_long ? decoder_.Forward(batch, cache_, tap, [this] { return LetShortOnesPass(); })
              : decoder_.Forward(batch, cache_, tap);
  EndPass(batch, parts, std::move(answers));
  if (!is_long) short_seconds_ = SecondsSince(begin);
}

bool Scheduler::LetShortOnesPass() {
  if (SecondsSince(long_since_) < kLongShare * short_seconds_) return true;
  {
    std::lock_guard lock(mutex_);
    const bool any =
        std::any_of(waiting_.begin(), waiting_.end(), [](const Task* task) { return !task->is_long; });
    if (!any) return true;
    ++stats_.stops;
  }
  Pass(false);
  long_since_ = Clock::now();
  changed_.notify_all();
  return true;
}

void Scheduler::EndPass(const Batch& batch, const std::vector<Part>& parts, Result<NextTokens> answers) {
  std::lock_guard lock(mutex_);
  stats_.passes += 1;
  stats_.rows += static_cast<int64_t>(batch.rows.size());
  stats_.read += static_cast<int64_t>(batch.questions.size());
  stats_.sequences += static_cast<int64_t>(parts.size());
  for (const Part& part : parts) {
    part.task->running = false;
    if (!answers.ok()) {
      part.task->sequence.Commit(0);
      Finish(part.task, answers.error());
      continue;
    }
    part.task->sequence.Commit(part.tokens);
    if (!part.last) continue;
    const auto first = answers->begin() + static_cast<int64_t>(part.first_question);
    NextTokens own(std::make_move_iterator(first),
                   std::make_move_iterator(first + static_cast<int64_t>(part.task->questions.size())));
    Finish(part.task, std::move(own));
  }
}

}  // namespace gatehouse

#include "engine/scheduler.h"

#include <algorithm>
#include <map>
#include <utility>

#include "base/error.h"

namespace gatehouse {
namespace {

using Clock = std::chrono::steady_clock;

// Rows of one pass: more make no product faster.
constexpr int32_t kPassRows = 512;
// A text of at most this many tokens goes in one piece. Longer ones go in chunks, of which one short text
// waits for at most one, and in small ones while others wait: so a short request takes at most three times
// its time alone.
constexpr int32_t kShortTokens = 256;
constexpr int32_t kLongChunk = 128;
constexpr int32_t kLongChunkBesideOthers = 32;

Error Busy(std::string what) { return {ErrorCode::kBusy, std::move(what), "engine", {}, {}}; }

// Adds the paths to a batch as a tree whose root is row `root` (-1: the cached end), one row for each
// distinct prefix. Returns the batch row of each path; the root for an empty one.
std::vector<int32_t> AddTree(std::span<const TokenPath> paths, int32_t sequence, int32_t root,
                             int32_t first_position, Batch* batch) {
  std::map<std::pair<int32_t, int32_t>, int32_t> children;  // (parent row, token) -> row
  std::vector<int32_t> ends;
  for (const TokenPath& path : paths) {
    int32_t at = root;
    int32_t position = first_position;
    for (int32_t token : path) {
      const auto [entry, is_new] =
          children.try_emplace({at, token}, static_cast<int32_t>(batch->rows.size()));
      if (is_new)
        batch->rows.push_back({.token = token, .position = position, .sequence = sequence, .parent = at});
      at = entry->second;
      ++position;
    }
    ends.push_back(at);
  }
  return ends;
}

}  // namespace

void AppendTokens(const TokenInput& input, int32_t begin, int32_t count, int32_t sequence, Batch* batch) {
  for (int32_t i = 0; i < count; ++i) {
    const size_t at = static_cast<size_t>(begin + i);
    const int32_t embedding = input.embedding_rows.empty() ? -1 : input.embedding_rows[at];
    batch->rows.push_back({.token = input.ids[at],
                           .embedding = embedding,
                           .position = begin + i,
                           .sequence = sequence,
                           .parent = i == 0 ? -1 : static_cast<int32_t>(batch->rows.size()) - 1});
  }
}

namespace {

int32_t TreeRows(std::span<const TokenPath> paths) {
  int32_t rows = 0;
  for (const TokenPath& path : paths) rows += static_cast<int32_t>(path.size());
  return rows;
}

}  // namespace

Scheduler::Scheduler(Decoder& decoder, KvCache& cache, const SchedulerOptions& options)
    : decoder_(decoder), cache_(cache), options_(options) {}

Scheduler::Turn::Turn(Scheduler& scheduler) : scheduler_(scheduler) {
  std::unique_lock lock(scheduler_.mutex_);
  scheduler_.changed_.wait(lock, [&] { return !scheduler_.busy_; });
  scheduler_.busy_ = true;
}

Scheduler::Turn::~Turn() {
  {
    std::lock_guard lock(scheduler_.mutex_);
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

Result<void> Scheduler::Check(const TokenInput& input, std::span<const TokenPath> paths) const {
  const int64_t vocab = decoder_.config().vocab;
  const auto check = [&](int32_t id) -> Result<void> {
    if (id >= 0 && id < vocab) return {};
    return Error{ErrorCode::kInternal, "token id out of range", "engine", "below " + std::to_string(vocab),
                 std::to_string(id)};
  };
  for (const int32_t id : input.ids) GATEHOUSE_TRY(check(id));
  for (const TokenPath& path : paths) {
    for (const int32_t id : path) GATEHOUSE_TRY(check(id));
  }
  if (!input.embedding_rows.empty() && input.embedding_rows.size() != input.ids.size())
    return InternalError("another number of embedding rows than of ids", "engine");
  for (const int32_t row : input.embedding_rows) {
    if (row >= input.embeddings.rows) return InternalError("embedding row out of range", "engine");
  }
  return {};
}

Result<Logits> Scheduler::Run(Sequence& sequence, const TokenInput& input, std::span<const TokenPath> paths,
                              const RunLimits& limits, const HiddenTap* tap) {
  GATEHOUSE_TRY(Check(input, paths));
  Task task{sequence, input, paths, limits, tap};
  if (task.left() < 0) return InternalError("the sequence is longer than the text", "engine");
  if (task.left() == 0 &&
      std::any_of(paths.begin(), paths.end(), [](const TokenPath& path) { return path.empty(); }))
    return InternalError("no token left to read the logits of", "engine");
  if (task.left() == 0 && paths.empty()) return Logits{};

  std::unique_lock lock(mutex_);
  if (static_cast<int>(waiting_.size()) >= options_.max_waiting) return Busy("too many requests are waiting");
  waiting_.push_back(&task);
  while (!task.done) {
    if (!busy_) {
      busy_ = true;
      lock.unlock();
      Pass();
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
  return std::move(task.result);
}

void Scheduler::Finish(Task* task, Result<Logits> result) {
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
      Finish(task, Busy("the request was cancelled"));
    } else if (task->limits.deadline && now >= *task->limits.deadline) {
      Finish(task, Busy("the request's deadline has passed"));
    }
  }
}

std::vector<Scheduler::Part> Scheduler::ChooseParts() {
  GiveUpExpired();
  // Those that finish soonest first, except that the oldest always gets on.
  std::vector<Task*> order(waiting_.begin(), waiting_.end());
  if (order.size() > 1) {
    std::stable_sort(order.begin() + 1, order.end(), [](Task* a, Task* b) { return a->left() < b->left(); });
  }
  std::vector<Part> parts;
  int32_t room = kPassRows;
  bool images = false;
  for (Task* task : order) {
    if (task->tap != nullptr && !parts.empty()) continue;  // shows the rows of its own pass only
    const bool has_images = task->input.embeddings.rows > 0;
    if (has_images && images) continue;  // a batch takes the vectors of one buffer
    const int32_t left = task->left();
    int32_t tokens = left;
    if (left > kShortTokens) tokens = order.size() > 1 ? kLongChunkBesideOthers : kLongChunk;
    tokens = std::min(tokens, options_.prefill_chunk);
    const int32_t tree = tokens == left ? TreeRows(task->paths) : 0;
    if (!parts.empty() && tokens + tree > room) continue;
    parts.push_back({task, tokens, tokens == left, {}});
    task->running = true;
    images = images || has_images;
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
    if (part.last) {
      const int32_t root = part.tokens > 0 ? static_cast<int32_t>(batch->rows.size()) - 1 : -1;
      part.ends = AddTree(task.paths, number, root, cached + part.tokens, batch);
    }
    const Result<void> room = task.sequence.Prepare(static_cast<int32_t>(batch->rows.size() - before));
    if (!room.ok()) {
      batch->rows.resize(before);
      std::lock_guard lock(mutex_);
      Finish(&task, room.error());
      continue;
    }
    batch->sequences.push_back({task.sequence.pages(), cached});
    if (task.input.embeddings.rows > 0) batch->embeddings = task.input.embeddings;
    for (const int32_t end : part.ends) {
      if (std::find(batch->logit_rows.begin(), batch->logit_rows.end(), end) == batch->logit_rows.end())
        batch->logit_rows.push_back(end);
    }
    taken.push_back(std::move(part));
  }
  return taken;
}

void Scheduler::Pass() {
  std::vector<Part> parts;
  {
    std::lock_guard lock(mutex_);
    parts = ChooseParts();
  }
  if (parts.empty()) return;
  Batch batch;
  parts = FillBatch(std::move(parts), &batch);
  if (parts.empty()) return;
  const Result<Logits> logits = decoder_.Forward(batch, cache_, parts.front().task->tap);

  std::lock_guard lock(mutex_);
  stats_.passes += 1;
  stats_.rows += static_cast<int64_t>(batch.rows.size());
  stats_.sequences += static_cast<int64_t>(parts.size());
  for (Part& part : parts) {
    part.task->running = false;
    if (!logits.ok()) {
      part.task->sequence.Commit(0);
      Finish(part.task, logits.error());
      continue;
    }
    part.task->sequence.Commit(part.tokens);
    if (!part.last) continue;
    Logits own;
    for (const int32_t end : part.ends) {
      const auto at =
          std::find(batch.logit_rows.begin(), batch.logit_rows.end(), end) - batch.logit_rows.begin();
      own.push_back((*logits)[static_cast<size_t>(at)]);
    }
    Finish(part.task, std::move(own));
  }
}

}  // namespace gatehouse

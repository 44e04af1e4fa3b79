// One forward for some of the texts that are to be read.
#include <algorithm>
#include <cmath>
#include <iterator>
#include <new>
#include <utility>

#include "base/error.h"
#include "engine/batch_rows.h"
#include "engine/driver.h"

namespace gatehouse {

std::vector<Driver::Part> Driver::ChooseParts(Work work) {
  // The oldest always gets on. Of the others a shorter one passes what began before it, but only so much:
  // where ever more come, those that are a little longer would wait until they are late.
  constexpr int64_t kPassed = 8;  // tokens, for each token that it is shorter
  std::vector<std::pair<int64_t, Task*>> order;
  int64_t before = 0;
  for (const auto& task : running_) {
    if (!TakesPart(*task, work)) continue;
    order.emplace_back(before + kPassed * task->left(), task.get());
    before += task->left();
  }
  if (order.size() > 1) {
    std::stable_sort(order.begin() + 1, order.end(),
                     [](const auto& a, const auto& b) { return a.first < b.first; });
  }
  std::vector<Part> parts;
  parts.reserve(order.size());
  int32_t room = limits_.max_rows;
  for (const auto& [rank, task] : order) {
    if (task->tap != nullptr && !parts.empty()) continue;  // shows the rows of its own pass only
    const int32_t left = task->left();
    const int32_t tokens = std::min({left, limits_.long_chunk, prefill_chunk_.load()});
    const bool last = tokens == left && !task->computes_beginning_;
    const int32_t tree = last ? TreeRows(task->questions) : 0;
    if (!parts.empty() && tokens + tree > room) continue;
    parts.push_back({task, tokens, last});
    room -= tokens + tree;
    if (task->tap != nullptr) break;
  }
  for (const Part& part : parts) part.task->in_pass_ = work == Work::kLong ? 1 : 2;
  return parts;
}

std::vector<Driver::Part> Driver::FillBatch(std::vector<Part> parts, Batch* batch) {
  std::vector<Part> taken;
  taken.reserve(parts.size());
  for (Part& part : parts) {
    Task& task = *part.task;
    const size_t before = batch->rows.size();
    const auto number = static_cast<int32_t>(batch->sequences.size());
    const int32_t cached = task.sequence.length();
    AppendTokens(task.input, task.embeddings_, cached, part.tokens, number, batch);
    part.first_question = batch->questions.size();
    if (part.last) {
      const int32_t root = part.tokens > 0 ? static_cast<int32_t>(batch->rows.size()) - 1 : -1;
      AppendTree(task.questions, number, root, cached + part.tokens, batch);
    }
    const Result<void> room = task.sequence.Prepare(static_cast<int32_t>(batch->rows.size() - before));
    if (!room.ok()) {
      batch->rows.resize(before);
      batch->questions.resize(part.first_question);
      task.in_pass_ = 0;
      task.sequence.Commit(0);
      EndTask(&task, room.error());
      continue;
    }
    batch->sequences.push_back({task.sequence.pages(), cached});
    taken.push_back(part);
  }
  return taken;
}

void Driver::RunPass(Work work) {
  const Clock::time_point begin = Clock::now();
  const double seconds_before = all_seconds_;
  double cost = 0;
  const int level = work == Work::kLong ? 1 : 2;
  Result<NextTokens> answers = NextTokens{};
  Batch batch;
  std::vector<Part> parts;
  try {
    parts = FillBatch(ChooseParts(work), &batch);
    if (parts.empty()) return;
    for (const Part& part : parts) cost += CostOf(part);
    const HiddenTap* tap = parts.front().task->tap;
    if (work == Work::kLong) {
      answers = device_.decoder.Forward(batch, device_.cache, tap, Stops());
    } else {
      answers = device_.decoder.Forward(batch, device_.cache, tap);
    }
    EndPass(batch, parts, std::move(answers));
  } catch (const std::bad_alloc&) {
    // The pass never was: what it wrote lies behind the ends of its sequences.
    for (auto next = running_.begin(); next != running_.end();) {
      Task* task = (next++)->get();
      if (task->in_pass_ != level) continue;
      task->in_pass_ = 0;
      task->sequence.Commit(0);
      if (task->ended_) {
        Release(task);
      } else {
        EndTask(task, OutOfMemory("engine"));
      }
    }
    return;
  }
  const double seconds = SecondsSince(begin);
  if (work == Work::kShort) short_seconds_ = seconds;
  // Short passes within a long one have told theirs.
  Account(cost, seconds - (all_seconds_ - seconds_before));
}

void Driver::Account(double cost, double seconds) {
  // Of ten seconds ago a third still counts: less than a queue holds, more than one long text takes.
  constexpr double kMemory = 10.0;
  const double left = std::exp(-seconds / kMemory);
  served_ = left * served_ + cost;
  served_seconds_ = left * served_seconds_ + seconds;
  all_seconds_ += seconds;
  if (served_ > 0) device_.admission.set_rate(served_ / std::max(served_seconds_, 1e-6));
}

// What has been served of what the text was admitted for, which knows nothing of caches: of a text whose half
// was known each token that is computed counts for two.
double Driver::CostOf(const Part& part) {
  const Task& task = *part.task;
  const int32_t beginning = std::min(task.beginning, task.tokens());
  const int32_t own = task.tokens() - beginning;
  // What a policy's texts begin with is computed once for all, and takes as long as any other tokens: counted
  // as that, the first text of a policy does not make the network look slow.
  if (task.common && task.computes_beginning_) return part.tokens;
  const int32_t known = task.common ? std::max(task.cached_tokens, beginning) : task.cached_tokens;
  const int32_t to_compute = task.tokens() - known;
  return task.new_text && to_compute > 0 ? static_cast<double>(part.tokens) * own / to_compute : 0.0;
}

void Driver::EndPass(const Batch& batch, const std::vector<Part>& parts, Result<NextTokens> answers) {
  {
    std::lock_guard lock(stats_mutex_);
    stats_.passes += 1;
    stats_.rows += static_cast<int64_t>(batch.rows.size());
    stats_.read += static_cast<int64_t>(batch.questions.size());
    stats_.sequences += static_cast<int64_t>(parts.size());
    for (const Part& part : parts) stats_.tokens += part.tokens;
  }
  for (const Part& part : parts) {
    Task* task = part.task;
    const std::shared_ptr<Task> alive = task->shared_from_this();
    task->in_pass_ = 0;
    task->sequence.Commit(answers.ok() ? part.tokens : 0);
    if (task->ended_) {
      Release(task);
      continue;
    }
    if (!answers.ok()) {
      EndTask(task, answers.error());
      continue;
    }
    if (task->computes_beginning_ && task->left() == 0) {
      const std::span<const int32_t> ids(task->input.ids.data(), static_cast<size_t>(task->beginning));
      try {
        if (task->common) {
          beginnings_.Insert(task->scope.policy, ids, task->sequence);
        } else {
          device_.prefixes.Insert(task->scope, task->input, task->beginning, task->sequence);
        }
      } catch (const std::bad_alloc&) {
        // Those who wait for it compute it themselves.
      }
      BeginningDone(task);
      task->is_long_ = IsLong(task->left() + TreeRows(task->questions), task->tokens());
      continue;
    }
    if (!part.last) continue;
    try {
      const auto first = answers->begin() + static_cast<int64_t>(part.first_question);
      task->answers.assign(std::make_move_iterator(first),
                           std::make_move_iterator(first + static_cast<int64_t>(task->questions.size())));
    } catch (const std::bad_alloc&) {
      EndTask(task, OutOfMemory("engine"));
      continue;
    }
    TextDone(task);
    task->stage_ = Task::Stage::kAnswered;
    task->OnAnswered();
    if (task->once) Forget(task);
  }
}

}  // namespace gatehouse

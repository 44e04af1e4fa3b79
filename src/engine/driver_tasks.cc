// How tasks come and go: entering, waiting for room, beginnings that several wait for, ending.
#include <algorithm>
#include <new>
#include <utility>

#include "base/error.h"
#include "engine/batch_rows.h"
#include "engine/driver.h"

namespace gatehouse {
namespace {

// What a short request costs at most, in rows of products; what else it reads is counted in the same measure.
constexpr double kShortCost = 256;
// Begun at once. More short ones fill no pass better; long ones hold pictures and pages meanwhile.
constexpr int kMostShort = 64;
constexpr int kMostLong = 16;

}  // namespace

void Driver::Enter(const std::shared_ptr<Task>& task) {
  try {
    known_.insert(task.get());
    if (task->deadline) deadlines_.insert({*task->deadline, task.get()});
    task->known_ = true;
  } catch (const std::bad_alloc&) {
    known_.erase(task.get());
    task->OnEnded(OutOfMemory("engine"));
    task->OnReleased();
  }
}

Result<void> Driver::Check(const Task& task) const {
  const int64_t vocab = device_.decoder.config().vocab;
  const auto check = [&](int32_t id) -> Result<void> {
    if (id >= 0 && id < vocab) return {};
    return Error{ErrorCode::kInternal, "token id out of range", "engine", "below " + std::to_string(vocab),
                 std::to_string(id)};
  };
  for (const int32_t id : task.input.ids) GATEHOUSE_TRY(check(id));
  for (const Question& question : task.questions) {
    for (const int32_t id : question.path) GATEHOUSE_TRY(check(id));
    for (const int32_t id : question.ids) GATEHOUSE_TRY(check(id));
  }
  const TokenInput& input = task.input;
  if (!input.embedding_rows.empty() && input.embedding_rows.size() != input.ids.size())
    return InternalError("another number of embedding rows than of ids", "engine");
  int64_t rows = input.embeddings.rows;
  if (!task.pictures.empty()) {
    if (device_.vision == nullptr) {
      return BadInput("this model cannot see images", "conversation",
                      "a model with a vision encoder, such as Llama Guard 4", "a text-only model");
    }
    if (task.pictures.size() != input.pictures.size())
      return InternalError("another number of pictures than of digests", "engine");
    rows = 0;
    for (const Task::Picture& picture : task.pictures)
      rows += static_cast<int64_t>(picture.tiles) * device_.vision->tokens_per_tile();
  }
  for (const int32_t row : input.embedding_rows) {
    if (row >= rows) return InternalError("embedding row out of range", "engine");
  }
  const int32_t left = task.tokens() - (task.lent ? task.sequence.length() : 0);
  if (left < 0) return InternalError("the sequence is longer than the text", "engine");
  if (left == 0 && task.new_text &&
      std::any_of(task.questions.begin(), task.questions.end(),
                  [](const Question& question) { return question.path.empty(); }))
    return InternalError("no token left to read the logits of", "engine");
  if (task.new_text && Room::PagesFor(task) > room_.most_pages()) {
    const int64_t page = device_.cache.BytesPerPage();
    return BadInput("prompt too long for the memory of keys and values", "conversation",
                    "at most " + std::to_string(room_.most_pages() * page) + " bytes (--kv-bytes)",
                    std::to_string(Room::PagesFor(task) * page));
  }
  return {};
}

bool Driver::IsLong(int32_t left, int32_t total) const {
  return static_cast<double>(left) * (1.0 + limits_.attention_factor * device_.decoder.AttentionShare() *
                                                static_cast<double>(total)) >
         kShortCost;
}

void Driver::Ask(const std::shared_ptr<Task>& task) {
  if (!task->known_) return;  // it was ended meanwhile
  // A policy's words have no pictures among them.
  const std::vector<int32_t>& rows = task->input.embedding_rows;
  const auto picture = std::find_if(rows.begin(), rows.end(), [](int32_t row) { return row >= 0; });
  task->words_ = picture == rows.end() ? task->tokens() : static_cast<int32_t>(picture - rows.begin());
  task->beginning = std::min(task->beginning, task->words_);
  if (const Result<void> good = Check(*task); !good.ok()) {
    EndTask(task.get(), good.error());
    return;
  }
  if (task->stage_ != Task::Stage::kAnswered) task->new_text = true;
  task->pages_ = std::max(Room::PagesFor(*task), task->new_text ? 0 : task->pages_);
  if (!task->new_text) {
    task->stage_ = Task::Stage::kText;
    task->is_long_ = IsLong(TreeRows(task->questions), task->tokens());
    return;
  }
  StopText(task.get());
  task->embeddings_.assign(1, task->input.embeddings);
  const int32_t known = task->lent
                            ? task->sequence.length()
                            : beginnings_.LengthOf(task->scope.policy, task->input.ids, task->beginning);
  task->is_long_ = !task->pictures.empty() || IsLong(task->tokens() - known, task->tokens());
  auto& queue = task->is_long_ ? long_waiting_ : short_waiting_;
  task->place_ = queue.Push(task->scope.tenant, task);
  task->stage_ = Task::Stage::kWaiting;
}

void Driver::StartWaiting(bool also_long) {
  while (also_long && !long_waiting_.empty() && TryStart(long_waiting_, true)) {
  }
  while (!short_waiting_.empty() && TryStart(short_waiting_, false)) {
  }
}

bool Driver::TryStart(FairQueue<std::shared_ptr<Task>>& queue, bool is_long) {
  const auto of_kind = std::count_if(running_.begin(), running_.end(),
                                     [&](const auto& task) { return task->is_long_ == is_long; });
  if (of_kind >= (is_long ? kMostLong : kMostShort)) return false;
  const std::shared_ptr<Task> task = queue.front();
  try {
    FindBeginning(task.get());
    // Short ones pass a long one that finds no room, but not so many that it never does.
    if (!is_long && !long_waiting_.empty()) {
      const Task& first = *long_waiting_.front();
      int64_t held = task->pages_;
      for (const auto& other : running_) held += other->is_long_ ? 0 : other->pages_;
      if (room_.Missing(first, running_) > 0 &&
          held > room_.most_pages() - first.pages_ - beginnings_.pages()) {
        LetGoOfPages(task.get());
        return false;
      }
    }
    if (!room_.Fits(*task, running_) && !DropKeptTexts(*task) && !running_.empty()) {
      LetGoOfPages(task.get());
      return false;
    }
    // Where nothing runs and still too much is held (by whoever uses the engine's sequences by himself), it
    // goes over the limit rather than wait for ever.
    std::list<std::shared_ptr<Task>> own;
    own.push_back(task);
    double cost = std::max(task->left(), 1);
    for (const Task::Picture& picture : task->pictures)
      cost += static_cast<double>(kRowsOfTile * picture.tiles);
    queue.Pop(cost);
    running_.splice(running_.end(), own);
    task->place_ = std::prev(running_.end());
    task->pictures_begin_ = Clock::now();
    task->stage_ = Task::Stage::kPictures;
    task->next_picture_ = task->next_tile_ = 0;
    if (task->pictures.empty() || NextPicture(task.get())) {
      const Result<void> ready = PicturesDone(task.get());
      if (!ready.ok()) EndTask(task.get(), ready.error());
    }
  } catch (const std::bad_alloc&) {
    EndTask(task.get(), OutOfMemory("engine"));
  }
  return true;
}

// The longest that is known of the text's beginning. The last token is always computed: what comes after it
// is asked for.
void Driver::FindBeginning(Task* task) {
  if (task->lent) return;
  const int32_t limit = task->tokens() - 1;
  task->sequence = beginnings_.Find(task->scope.policy, task->input.ids, std::min(limit, task->words_));
  Sequence own = device_.prefixes.Find(task->scope, task->input, limit);
  if (own.length() > task->sequence.length()) task->sequence = std::move(own);
  if (task->kept != nullptr) FindKept(task);
  task->cached_tokens = task->sequence.length();
}

void Driver::LetGoOfPages(Task* task) {
  if (!task->lent) task->sequence = Sequence(device_.pool);
}

void Driver::FindKept(Task* task) {
  std::lock_guard lock(task->kept->mutex_);
  const int32_t common =
      std::min(CommonTokens(task->kept->units_, UnitsOf(task->input, 0, task->tokens())), task->tokens() - 1);
  if (common <= task->sequence.length()) return;
  Sequence forked = task->kept->sequence_.Fork();
  forked.Truncate(common);
  task->sequence = std::move(forked);
}

// What all texts of the policy begin with is computed by the first that needs it, while others wait for it.
void Driver::ComputeOrAwaitBeginning(Task* task) {
  task->stage_ = Task::Stage::kText;
  task->computes_beginning_ = false;
  if (!task->lent && task->sequence.length() < std::min(task->beginning, task->tokens() - 1)) {
    const auto same = [&](const std::shared_ptr<Task>& other) {
      return other.get() != task && other->computes_beginning_ && !other->ended_ &&
             other->scope.policy == task->scope.policy && other->beginning == task->beginning &&
             (task->common == other->common) && (task->common || task->scope.tenant == other->scope.tenant) &&
             std::equal(task->input.ids.begin(), task->input.ids.begin() + task->beginning,
                        other->input.ids.begin());
    };
    if (std::any_of(running_.begin(), running_.end(), same)) {
      task->stage_ = Task::Stage::kBeginning;
      return;
    }
    task->computes_beginning_ = task->beginning < task->tokens();
  }
  task->is_long_ = IsLong(task->left() + TreeRows(task->questions), task->tokens());
}

// Computed, or given up: whoever waits for it looks again.
void Driver::BeginningDone(Task* task) {
  task->computes_beginning_ = false;
  for (const auto& other : running_) {
    if (other->stage_ != Task::Stage::kBeginning) continue;
    try {
      FindBeginning(other.get());
    } catch (const std::bad_alloc&) {
      LetGoOfPages(other.get());  // it computes it by itself
    }
    ComputeOrAwaitBeginning(other.get());
  }
}

void Driver::TextDone(Task* task) {
  if (!task->new_text) return;
  task->new_text = false;
  if (task->lent) return;
  try {
    if (task->keep_text) device_.prefixes.Insert(task->scope, task->input, task->tokens(), task->sequence);
    if (task->kept != nullptr) {
      TokenUnits units = UnitsOf(task->input, 0, task->tokens());
      Sequence sequence = task->sequence.Fork();
      std::lock_guard lock(task->kept->mutex_);
      task->kept->units_ = std::move(units);
      task->kept->sequence_ = std::move(sequence);
    }
  } catch (const std::bad_alloc&) {
    // Not kept: the next one computes it again.
  }
}

std::shared_ptr<KeptText> Driver::NewKeptText() {
  auto kept = std::make_shared<KeptText>(device_.pool);
  std::lock_guard lock(kept_mutex_);
  kept_.remove_if([](const auto& one) { return one.expired(); });
  kept_.push_back(kept);
  return kept;
}

// The last resort: growing answers between two checks.
bool Driver::DropKeptTexts(const Task& task) {
  std::lock_guard lock(kept_mutex_);
  for (const auto& one : kept_) {
    const std::shared_ptr<KeptText> kept = one.lock();
    if (kept == nullptr || kept == task.kept) continue;
    {
      std::lock_guard own(kept->mutex_);
      kept->units_.clear();
      kept->sequence_ = Sequence(device_.pool);
    }
    if (room_.Fits(task, running_)) return true;
  }
  return false;
}

void Driver::EndTask(Task* task, Error error) {
  if (!task->known_) return;
  const std::shared_ptr<Task> alive = task->shared_from_this();
  task->known_ = false;
  task->OnEnded(std::move(error));
  Release(task);
}

void Driver::Forget(Task* task) {
  if (!task->known_) return;
  task->known_ = false;
  Release(task);
}

// Takes the task out of whatever it is in. In a pass its pages are written: then when that ends.
void Driver::Release(Task* task) {
  const std::shared_ptr<Task> alive = task->shared_from_this();
  if (task->deadline) deadlines_.erase({*task->deadline, task});
  known_.erase(task);
  if (task->in_pass_ != 0) {
    task->ended_ = true;
    return;
  }
  StopText(task);
  task->OnReleased();
}

void Driver::StopText(Task* task) {
  const std::shared_ptr<Task> alive = task->shared_from_this();
  switch (task->stage_) {
    case Task::Stage::kOutside:
      return;  // all of it is the owner's
    case Task::Stage::kWaiting:
      (task->is_long_ ? long_waiting_ : short_waiting_).Erase(task->scope.tenant, task->place_);
      task->stage_ = Task::Stage::kOutside;
      break;
    default:
      task->stage_ = Task::Stage::kOutside;
      running_.erase(task->place_);
      if (task->computes_beginning_) BeginningDone(task);
  }
  LetGoOfPages(task);
  task->features_.clear();
  task->encoding_.reset();
  task->embeddings_ = {};
}

}  // namespace gatehouse

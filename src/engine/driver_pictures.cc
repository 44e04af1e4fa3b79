// Pictures on their way to vectors: some tiles at a time, so that short passes get in between, and between
// two layers.
#include <algorithm>
#include <new>
#include <utility>

#include "base/error.h"
#include "engine/driver.h"

namespace gatehouse {

// Goes on to the next picture whose vectors are not known. True: there is none.
bool Driver::NextPicture(Task* task) {
  while (task->next_picture_ < task->pictures.size()) {
    auto known = features_.Find(task->scope.tenant, task->input.pictures[task->next_picture_].digest);
    if (known == nullptr) return false;
    task->features_.push_back(std::move(known));
    ++task->next_picture_;
  }
  return true;
}

void Driver::EncodeTile() {
  Task* task = nullptr;
  for (const auto& one : running_) {
    if (one->stage_ != Task::Stage::kPictures || one->in_pass_ != 0) continue;
    task = one.get();
    break;
  }
  if (task == nullptr) return;
  const std::shared_ptr<Task> alive = task->shared_from_this();
  task->in_pass_ = 1;
  Result<void> encoded = [&]() -> Result<void> {
    try {
      return EncodeTileOf(task);
    } catch (const std::bad_alloc&) {
      return OutOfMemory("engine");
    }
  }();
  task->in_pass_ = 0;
  if (task->ended_) {
    Release(task);
  } else if (!encoded.ok()) {
    EndTask(task, CopyOrOutOfMemory(encoded.error(), "engine"));
  }
}

Result<void> Driver::EncodeTileOf(Task* task) {
  if (NextPicture(task)) return PicturesDone(task);  // another text brought them meanwhile
  VisionEncoder& vision = *device_.vision;
  const Task::Picture& picture = task->pictures[task->next_picture_];
  const int64_t per_tile = vision.tokens_per_tile();
  const int64_t hidden = device_.decoder.config().hidden;
  if (task->encoding_ == nullptr) {
    auto features = std::make_shared<ImageFeatures>();
    const int64_t rows = picture.tiles * per_tile;
    GATEHOUSE_ASSIGN(features->buffer, device_.backend.Allocate(rows * hidden));
    features->rows = {features->buffer.get(), 0, rows, hidden};
    task->encoding_ = std::move(features);
    task->next_tile_ = 0;
  }
  const size_t size = static_cast<size_t>(vision.tile_size()), values = 3 * size * size;
  const auto tile = static_cast<int64_t>(task->next_tile_);
  const int64_t count = std::min<int64_t>(limits_.max_tiles, picture.tiles - tile);
  std::vector<float> pixels(static_cast<size_t>(count) * values);
  for (int64_t i = 0; i < count; ++i)
    picture.pixels(static_cast<int>(tile + i),
                   std::span(pixels).subspan(static_cast<size_t>(i) * values, values));
  const Clock::time_point begin = Clock::now();
  const double seconds_before = all_seconds_;
  GATEHOUSE_TRY(vision.Encode(pixels, static_cast<int>(count),
                              task->encoding_->rows.Rows(tile * per_tile, count * per_tile), Stops()));
  Account(static_cast<double>(count * kRowsOfTile), SecondsSince(begin) - (all_seconds_ - seconds_before));
  {
    std::lock_guard lock(stats_mutex_);
    stats_.tiles += count;
  }
  task->next_tile_ += static_cast<size_t>(count);
  if (task->next_tile_ < static_cast<size_t>(picture.tiles)) return {};
  std::shared_ptr<const ImageFeatures> done = std::move(task->encoding_);
  task->encoding_ = nullptr;
  task->features_.push_back(done);
  features_.Insert(task->scope.tenant, task->input.pictures[task->next_picture_].digest, std::move(done));
  ++task->next_picture_;
  return NextPicture(task) ? PicturesDone(task) : Result<void>();
}

// Each picture's vectors stay where they are; then comes the text.
Result<void> Driver::PicturesDone(Task* task) {
  if (!task->features_.empty()) {
    task->embeddings_.clear();
    for (const auto& one : task->features_) task->embeddings_.push_back(one->rows);
  }
  task->vision_ms = task->pictures.empty() ? 0.0 : MillisecondsSince(task->pictures_begin_);
  ComputeOrAwaitBeginning(task);
  return {};
}

}  // namespace gatehouse

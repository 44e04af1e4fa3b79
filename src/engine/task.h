// Task: one text on its way through the engine, and what its owner wants to know of it.
//
// The owner enters a task (from then on its deadline counts), asks (again and again, if need be) and leaves.
// Between Ask and OnAnswered the fields below belong to the engine, before and after that to the owner.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/elapsed.h"
#include "engine/admission.h"
#include "engine/feature_cache.h"
#include "engine/page_pool.h"
#include "engine/token_input.h"
#include "engine/token_units.h"
#include "gatehouse/result.h"
#include "model/decoder.h"

namespace gatehouse {

using NextTokens = std::vector<NextToken>;

// A tile of a picture costs about as much as these rows of a text.
inline constexpr int64_t kRowsOfTile = 577;

// A text whose keys and values its owner keeps for the next one that begins alike: a growing answer. Given up
// where room is short and nobody computes with it.
class KeptText {
 public:
  explicit KeptText(PagePool& pool) : sequence_(pool) {}

 private:
  friend class Driver;
  std::mutex mutex_;
  TokenUnits units_;  // that the sequence holds
  Sequence sequence_;
};

class Task : public std::enable_shared_from_this<Task> {
 public:
  explicit Task(PagePool& pool) : sequence(pool) {}
  virtual ~Task() = default;
  Task(const Task&) = delete;
  Task& operator=(const Task&) = delete;

  // Set before it enters.
  std::optional<Clock::time_point> deadline;
  CacheScope scope;
  Ticket ticket;  // of its admission

  // Set before each Ask of a new text.
  struct Picture {
    int tiles = 0;
    // Writes a tile's pixels, f32 [3][size][size] in [-1, 1]; on the driver's thread.
    std::function<void(int tile, std::span<float> out)> pixels;
  };
  TokenInput input;               // `embeddings` only where there are no pictures to encode
  std::vector<Picture> pictures;  // of input.pictures
  int32_t beginning = 0;          // leading tokens that every text of this policy and list has
  bool common = false;            // ... and that all tenants share: the policy's own list
  bool keep_text = true;          // in the tenant's cache
  std::shared_ptr<KeptText> kept;
  bool lent = false;  // `sequence` is the owner's: what it holds is read on, and it stays his
  bool once = false;  // leaves by itself with the first answers
  const HiddenTap* tap = nullptr;
  // A text to be read; else more questions behind the one just answered. The answers clear it.
  bool new_text = true;
  std::vector<Question> questions;

  // Set with the answers.
  NextTokens answers;
  int32_t cached_tokens = 0;
  double vision_ms = 0;
  // What the text reads and writes; an owner that lends his own takes it back when it is released.
  Sequence sequence;

  // On the driver's thread, which must not be held up, and not after the task was left. Answered or ended,
  // ended at most once: late, cancelled, or what went wrong; the engine then forgets the task.
  virtual void OnAnswered() noexcept = 0;
  virtual void OnEnded(Error error) noexcept = 0;
  // Nothing of it is used any more.
  virtual void OnReleased() noexcept {}

 private:
  friend class Driver;
  friend class Inbox;
  friend class Room;
  enum class Stage { kOutside, kWaiting, kPictures, kBeginning, kText, kAnswered };

  int32_t tokens() const { return static_cast<int32_t>(input.ids.size()); }
  int32_t target() const { return computes_beginning_ ? beginning : tokens(); }
  int32_t left() const { return target() - sequence.length(); }

  // In the inbox: under its mutex.
  uint32_t events_ = 0;
  std::shared_ptr<Task> inbox_next_;
  bool in_inbox_ = false;

  // The driver's own.
  Stage stage_ = Stage::kOutside;
  bool known_ = false;  // entered, and neither left nor ended
  bool is_long_ = false;
  bool computes_beginning_ = false;
  int32_t words_ = 0;                                 // leading tokens that are no picture's
  std::vector<Mat> embeddings_;                       // pictures' rows, which input.embedding_rows counts
  int64_t pages_ = 0;                                 // that the text and what is asked behind it fill
  int in_pass_ = 0;                                   // 1: in a pass that may be stopped, 2: in a short one
  bool ended_ = false;                                // while in a pass: nobody waits for it any more
  std::list<std::shared_ptr<Task>>::iterator place_;  // in the queue, or among the running
  size_t next_tile_ = 0, next_picture_ = 0;
  std::vector<std::shared_ptr<const ImageFeatures>> features_;
  std::shared_ptr<ImageFeatures> encoding_;  // of the picture at work
  Clock::time_point pictures_begin_;
};

}  // namespace gatehouse

// Judging: one request from its conversation to its verdict.
//
// It passes from thread to thread: prepared on a preparing thread, answered by the engine's driver, judged on
// the judging thread, which then asks on or is done. A deadline or a cancellation may end it at any time; its
// sender is told once, by whoever comes first.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/workers.h"
#include "engine/task.h"
#include "guard/guard_impl.h"
#include "guard/side_by_side.h"
#include "policy/judgement.h"

namespace gatehouse {

class Judging : public Task {
 public:
  Judging(Guard::Impl& guard, Conversation conversation, ClassifyOptions request, Guard::Done done,
          RequestContext how);

  // Its deadline counts from here on, and it is put before the preparing threads.
  void Begin();
  void Cancel();

  void OnAnswered() noexcept override;
  void OnEnded(Error error) noexcept override;

 private:
  struct PrepareItem : WorkItem {
    explicit PrepareItem(Judging& judging_in) : judging(judging_in) {}
    void Run() noexcept override { judging.Prepare(); }
    Judging& judging;
  };
  struct JudgeItem : WorkItem {
    explicit JudgeItem(Judging& judging_in) : judging(judging_in) {}
    void Run() noexcept override { judging.Judge(); }
    Judging& judging;
  };
  std::shared_ptr<Judging> Self() { return std::static_pointer_cast<Judging>(shared_from_this()); }

  void Prepare() noexcept;
  void Judge() noexcept;
  Result<void> PrepareText();
  Result<void> AskRound();
  Result<void> AskWindows();
  Result<void> AskBoth(Conversation normalised);
  void BeginParts(const std::shared_ptr<SideBySide>& parts, int64_t cost);
  // What the parts say together: of windows, or of the text as written and as normalised.
  using Together = Verdict (Judging::*)(std::vector<Verdict> verdicts);
  SideBySide::Done WhenPartsAreJudged(Together together);
  Verdict VerdictOfBoth(std::vector<Verdict> verdicts);
  Verdict VerdictOfWindows(std::vector<Verdict> verdicts);
  void KeepWindows(const std::vector<Verdict>& verdicts);
  Result<void> Step();
  void RoundDone();
  Verdict WholeVerdict();
  Verdict Completed(Verdict verdict, const RequestImages& images);
  void Finish(Result<Verdict> result) noexcept;

  Guard::Impl& guard_;
  Conversation conversation_;
  const ClassifyOptions request_;
  const RequestContext how_;
  const PolicyHandle policy_;
  const std::shared_ptr<WorkLane> lane_;
  Guard::Done done_;
  PrepareItem prepare_item_{*this};
  JudgeItem judge_item_{*this};

  PreparedRequest prepared_;
  int round_ = 0;
  std::unique_ptr<Judgement> judgement_;
  std::vector<Verdict> verdicts_;  // of the rounds before
  Clock::time_point begin_ = Clock::now(), asked_;
  double prefill_ms_ = -1, decode_ms_ = 0;

  std::atomic<bool> answered_{false};
  std::atomic<bool> ended_{false};
  std::atomic<bool> finished_{false};
  Error end_;                          // why: set before ended_
  std::mutex ticket_mutex_;            // of ticket and parts_: a deadline may end it while it is prepared
  std::shared_ptr<SideBySide> parts_;  // null: it is judged by itself
  Guard::Impl::CutRequest cut_;
  std::vector<std::string> window_texts_;  // of a growing message
};

}  // namespace gatehouse

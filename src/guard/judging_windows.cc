// A request that is too long for a prompt: judged as several, its windows, of which the worst counts.
#include <algorithm>
#include <utility>

#include "guard/judging.h"
#include "policy/windows.h"
#include "policy/worst_verdict.h"

namespace gatehouse {
Result<void> Judging::AskWindows() {
  StreamMemory* const memory = how_.memory.get();
  GATEHOUSE_ASSIGN(cut_, guard_.Cut(*policy_, conversation_, request_, prepared_, memory));
  const size_t count = cut_.list.size();
  std::vector<std::optional<Verdict>> known(count);
  std::shared_ptr<StreamMemory> last_window;
  if (memory != nullptr) {
    const std::lock_guard lock(memory->mutex);
    for (const Conversation& window : cut_.list) window_texts_.push_back(LastTexts(window));
    for (size_t i = 0; i < std::min(count, memory->windows.size()); ++i) {
      if (memory->windows[i].first == window_texts_[i]) known[i] = memory->windows[i].second;
    }
    if (memory->last_window == nullptr) {
      memory->last_window = std::make_shared<StreamMemory>();
      memory->last_window->kept = memory->kept;
    }
    last_window = memory->last_window;
  }
  ClassifyOptions request = request_;
  request.policy = policy_;  // the guard's own may be replaced meanwhile
  const auto windows =
      std::make_shared<SideBySide>(std::move(known), WhenPartsAreJudged(&Judging::VerdictOfWindows));
  const SideBySide::Unbegun unbegun{*windows};
  for (size_t i = 0; i < count; ++i) {
    if (windows->Knows(i)) continue;
    RequestContext how;
    how.window = cut_.common;
    how.keep_text = false;  // half of it stands in the next one, but not at its beginning
    if (i + 1 == count) {
      how.memory = last_window;
      how.keys_only_where_they_matter = how_.keys_only_where_they_matter;
    }
    windows->Add(guard_, i, std::move(cut_.list[i]), request, std::move(how));
  }
  BeginParts(windows, cut_.tokens * prepared_.images->rounds());
  return {};
}

Verdict Judging::VerdictOfWindows(std::vector<Verdict> verdicts) {
  KeepWindows(verdicts);
  const int windows = static_cast<int>(verdicts.size());
  Verdict verdict =
      Completed(WorstOfWindows(policy_->policy.verdict, std::move(verdicts)), *cut_.common.images);
  verdict.windows = windows;
  verdict.dropped_messages = cut_.dropped_messages;
  return verdict;
}

// For the next check of a growing message: all but the last, which grows.
void Judging::KeepWindows(const std::vector<Verdict>& verdicts) {
  if (how_.memory == nullptr) return;
  const std::lock_guard lock(how_.memory->mutex);
  how_.memory->windows.clear();
  for (size_t i = 0; i + 1 < verdicts.size(); ++i) {
    how_.memory->windows.emplace_back(std::move(window_texts_[i]), verdicts[i]);
    Usage& usage = how_.memory->windows.back().second.usage;
    usage.cached_tokens = usage.prompt_tokens;  // nothing of it will be computed again
  }
}

}  // namespace gatehouse

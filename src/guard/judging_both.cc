// A request whose text normalisation changes (text/normalise.h): judged as written and as normalised, and the
// higher score decides.
#include <utility>

#include "base/elapsed.h"
#include "guard/judging.h"
#include "policy/worst_verdict.h"

namespace gatehouse {

Result<void> Judging::AskBoth(Conversation normalised) {
  ClassifyOptions request = request_;
  request.policy = policy_;
  request.normalise = false;
  RequestContext as_written = how_, other = how_;
  if (StreamMemory* const memory = how_.memory.get(); memory != nullptr) {
    const std::lock_guard lock(memory->mutex);
    if (memory->normalised == nullptr) {
      memory->normalised = std::make_shared<StreamMemory>();
      memory->normalised->kept = guard_.engine->NewKeptText();
    }
    other.memory = memory->normalised;
  }
  const auto both = std::make_shared<SideBySide>(std::vector<std::optional<Verdict>>(2),
                                                 WhenPartsAreJudged(&Judging::VerdictOfBoth));
  const SideBySide::Unbegun unbegun{*both};
  both->Add(guard_, 0, conversation_, request, std::move(as_written));
  both->Add(guard_, 1, std::move(normalised), request, std::move(other));
  BeginParts(both, 0);
  return {};
}

Verdict Judging::VerdictOfBoth(std::vector<Verdict> verdicts) {
  Verdict& written = verdicts[0];
  Verdict& other = verdicts[1];
  const bool other_decides =
      other.unsafe != written.unsafe ? other.unsafe : other.unsafe_score > written.unsafe_score;
  Verdict verdict = std::move(other_decides ? other : written);
  AddTokens((other_decides ? written : other).usage, &verdict.usage);
  verdict.normalised = other_decides;
  verdict.timings.total = MillisecondsSince(begin_);
  return verdict;
}

}  // namespace gatehouse

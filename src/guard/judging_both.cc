// A request whose text normalisation changes (text/normalise.h): judged as written and as normalised, and the
// higher score decides.
#include <new>
#include <utility>

#include "base/error.h"
#include "guard/judging.h"

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
  const auto both = std::make_shared<SideBySide>(
      std::vector<std::optional<Verdict>>(2),
      [self = Self()](Result<std::vector<Verdict>> verdicts) { self->OnBoth(std::move(verdicts)); });
  const SideBySide::Unbegun unbegun{*both};
  both->Add(guard_, 0, conversation_, request, std::move(as_written));
  both->Add(guard_, 1, std::move(normalised), request, std::move(other));
  BeginParts(both, 0);
  return {};
}

void Judging::OnBoth(Result<std::vector<Verdict>> verdicts) noexcept {
  guard_.engine->Leave(Self());
  if (!verdicts.ok()) {
    Finish(CopyOrOutOfMemory(verdicts.error(), "request"));
    return;
  }
  Verdict& written = (*verdicts)[0];
  Verdict& other = (*verdicts)[1];
  const bool other_decides =
      other.unsafe != written.unsafe ? other.unsafe : other.unsafe_score > written.unsafe_score;
  Verdict& verdict = other_decides ? other : written;
  const Usage& less = (other_decides ? written : other).usage;
  verdict.usage.prompt_tokens += less.prompt_tokens;
  verdict.usage.cached_tokens += less.cached_tokens;
  verdict.usage.image_tokens += less.image_tokens;
  verdict.normalised = other_decides;
  verdict.timings.total = MillisecondsSince(begin_);
  Finish(std::move(verdict));
}

}  // namespace gatehouse

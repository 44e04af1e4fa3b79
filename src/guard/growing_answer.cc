#include "guard/growing_answer.h"

#include <new>
#include <utility>

#include "base/error.h"
#include "guard/guard_impl.h"

namespace gatehouse {

struct GrowingAnswer::Memory {
  std::shared_ptr<StreamMemory> shared = std::make_shared<StreamMemory>();
  EncodedText text;
};

GrowingAnswer::GrowingAnswer(const Guard& guard) : memory_(std::make_unique<Memory>()) {
  memory_->shared->kept = ImplOf(guard).engine->NewKeptText();
}
GrowingAnswer::GrowingAnswer(GrowingAnswer&&) noexcept = default;
GrowingAnswer::~GrowingAnswer() = default;

Result<Request> GrowingAnswer::Submit(const Guard& guard, Conversation conversation, ClassifyOptions options,
                                      bool whole, Guard::Done done) {
  try {
    RequestContext context;
    context.memory = memory_->shared;
    context.keys_only_where_they_matter = !whole;
    // What came before the message is common to later turns, and so is the whole answer; not the states
    // between.
    context.keep_text = whole || !memory_->shared->checked.load();
    Guard::Done told = [memory = memory_->shared, done = std::move(done)](Result<Verdict> verdict) {
      if (verdict.ok()) memory->checked.store(true);
      done(std::move(verdict));
    };
    return ImplOf(guard).Submit(std::move(conversation), std::move(options), std::move(told),
                                std::move(context));
  } catch (const std::bad_alloc&) {
    return OutOfMemory("request");
  }
}

int64_t GrowingAnswer::CountTokens(const Guard& guard, const std::string& text) {
  ImplOf(guard).tokenizer->Encode(text, &memory_->text);
  return static_cast<int64_t>(memory_->text.ids.size());
}

}  // namespace gatehouse

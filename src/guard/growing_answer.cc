#include "guard/growing_answer.h"

#include <new>
#include <utility>

#include "base/error.h"
#include "guard/guard_impl.h"

namespace gatehouse {

struct GrowingAnswer::Memory {
  std::shared_ptr<StreamMemory> shared = std::make_shared<StreamMemory>();
  EncodedText text;
  bool checked = false;
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
    // As Stream has it: what came before the message, and the whole answer, are worth keeping.
    context.keep_text = whole || !std::exchange(memory_->checked, true);
    return ImplOf(guard).Submit(std::move(conversation), std::move(options), std::move(done),
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

#include "gatehouse/stream.h"

#include <algorithm>
#include <new>
#include <utility>
#include <vector>

#include "base/error.h"
#include "guard/guard_impl.h"

namespace gatehouse {
namespace {

// Bytes at the end of the text that begin a character without finishing it; 0 where it ends whole, or where
// what is there is no UTF-8 anyway.
size_t UnfinishedBytes(std::string_view text) {
  constexpr size_t kLongest = 4;
  for (size_t back = 1; back <= std::min(kLongest - 1, text.size()); ++back) {
    const auto byte = static_cast<unsigned char>(text[text.size() - back]);
    if ((byte & 0xC0) == 0x80) continue;  // inside a character: look for its first byte
    const size_t size = byte >= 0xF0 && byte <= 0xF4 ? 4 : byte >= 0xE0 ? 3 : byte >= 0xC2 ? 2 : 1;
    return byte <= 0xF4 && back < size ? back : 0;
  }
  return 0;
}

}  // namespace

struct Stream::Memory {
  std::shared_ptr<StreamMemory> shared = std::make_shared<StreamMemory>();
  EncodedText message;       // the message by itself, to count its tokens
  size_t judged_tokens = 0;  // of it, those that a verdict has seen
  bool checked = false;
};

Stream::Stream(const Guard& guard, Conversation before, ClassifyOptions options)
    : guard_(guard),
      conversation_(std::move(before)),
      options_(std::move(options)),
      memory_(std::make_unique<Memory>()) {
  const bool answers = !conversation_.messages.empty() && conversation_.messages.back().role == Role::kUser;
  conversation_.messages.push_back({answers ? Role::kAssistant : Role::kUser, {Part::Text({})}});
  memory_->shared->kept = ImplOf(guard).engine->NewKeptText();
}
Stream::Stream(Stream&&) noexcept = default;
Stream::~Stream() = default;

void Stream::Add(std::string_view piece) {
  std::string& text = conversation_.messages.back().parts.front().text;
  // Memory first: where there is none, the piece is not added at all.
  std::string more = waiting_ + std::string(piece);
  const size_t unfinished = UnfinishedBytes(more);
  std::string waiting = more.substr(more.size() - unfinished);
  more.resize(more.size() - unfinished);
  text += more;
  waiting_ = std::move(waiting);
}

Result<Verdict> Stream::Append(std::string_view piece, Deadline deadline) {
  try {
    Add(piece);
  } catch (const std::bad_alloc&) {
    return OutOfMemory("request");
  }
  return Check(deadline);
}

Result<Verdict> Stream::Check(Deadline deadline) { return Judge(deadline, /*whole=*/false); }

Result<Verdict> Stream::Finish(Deadline deadline) {
  try {
    conversation_.messages.back().parts.front().text += waiting_;
    waiting_.clear();
  } catch (const std::bad_alloc&) {
    return OutOfMemory("request");
  }
  return Judge(deadline, /*whole=*/true);
}

int Stream::unjudged_tokens() {
  ImplOf(guard_).tokenizer->Encode(text(), &memory_->message);
  const size_t tokens = memory_->message.ids.size();
  return static_cast<int>(tokens - std::min(tokens, memory_->judged_tokens));
}

Result<Verdict> Stream::Judge(Deadline deadline, bool whole) {
  try {
    ClassifyOptions options = options_;
    if (deadline) options.deadline = deadline;
    RequestContext context;
    context.memory = memory_->shared;
    context.keys_only_where_they_matter = !whole;
    // What came before the message is common to later turns, and so is the whole answer; not the states
    // between.
    context.keep_text = whole || !memory_->checked;
    GATEHOUSE_ASSIGN(Verdict verdict,
                     ImplOf(guard_).Classify(conversation_, std::move(options), std::move(context)));
    memory_->checked = true;
    ImplOf(guard_).tokenizer->Encode(text(), &memory_->message);
    memory_->judged_tokens = memory_->message.ids.size();
    return verdict;
  } catch (const std::bad_alloc&) {
    return OutOfMemory("request");
  }
}

}  // namespace gatehouse

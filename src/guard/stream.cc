#include "gatehouse/stream.h"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <new>
#include <utility>

#include "base/error.h"
#include "guard/awaited_verdict.h"
#include "guard/growing_answer.h"

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
  explicit Memory(const Guard& guard) : answer(guard) {}
  GrowingAnswer answer;
  int64_t judged_tokens = 0;  // of the message by itself, those that a verdict has seen
};

Stream::Stream(const Guard& guard, Conversation before, ClassifyOptions options)
    : guard_(guard),
      conversation_(std::move(before)),
      options_(std::move(options)),
      memory_(std::make_unique<Memory>(guard)) {
  const bool answers = !conversation_.messages.empty() && conversation_.messages.back().role == Role::kUser;
  conversation_.messages.push_back({answers ? Role::kAssistant : Role::kUser, {Part::Text({})}});
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
  const int64_t tokens = memory_->answer.CountTokens(guard_, text());
  return static_cast<int>(tokens - std::min(tokens, memory_->judged_tokens));
}

Result<Verdict> Stream::Judge(Deadline deadline, bool whole) {
  try {
    ClassifyOptions options = options_;
    if (deadline) options.deadline = deadline;
    const auto awaited = std::make_shared<AwaitedVerdict>();
    GATEHOUSE_TRY(memory_->answer.Submit(guard_, conversation_, std::move(options), whole,
                                         AwaitedVerdict::Done(awaited)));
    GATEHOUSE_ASSIGN(Verdict verdict, awaited->Take());
    memory_->judged_tokens = memory_->answer.CountTokens(guard_, text());
    return verdict;
  } catch (const std::bad_alloc&) {
    return OutOfMemory("request");
  }
}

}  // namespace gatehouse

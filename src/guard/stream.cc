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

// What the last piece's prompt left: of the next one only the end is tokenised.
struct Stream::Memory {
  std::vector<EncodedText> texts;
};

Stream::Stream(const Guard& guard, Conversation before, ClassifyOptions options)
    : guard_(guard),
      conversation_(std::move(before)),
      options_(std::move(options)),
      memory_(std::make_unique<Memory>()) {
  const bool answers = !conversation_.messages.empty() && conversation_.messages.back().role == Role::kUser;
  conversation_.messages.push_back({answers ? Role::kAssistant : Role::kUser, {Part::Text({})}});
}
Stream::Stream(Stream&&) noexcept = default;
Stream::~Stream() = default;

Result<Verdict> Stream::Append(std::string_view piece) {
  std::string& text = conversation_.messages.back().parts.front().text;
  text += waiting_;
  text += piece;
  const size_t unfinished = UnfinishedBytes(text);
  waiting_ = text.substr(text.size() - unfinished);
  text.resize(text.size() - unfinished);
  try {
    return guard_.impl().Classify(conversation_, options_, &memory_->texts);
  } catch (const std::bad_alloc&) {
    return InternalError("out of memory", "request");
  }
}

}  // namespace gatehouse

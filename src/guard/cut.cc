// A conversation that is too long for a prompt, cut into windows (policy/windows.h) that the guard can judge.
#include <algorithm>
#include <map>
#include <string>
#include <utility>

#include "guard/guard_impl.h"
#include "policy/windows.h"

namespace gatehouse {
namespace {

int32_t CommonIds(const std::vector<int32_t>& a, const std::vector<int32_t>& b) {
  return static_cast<int32_t>(std::mismatch(a.begin(), a.end(), b.begin(), b.end()).first - a.begin());
}

int ImagesOf(const Message& message) {
  return static_cast<int>(std::count_if(message.parts.begin(), message.parts.end(),
                                        [](const Part& part) { return part.kind == Part::Kind::kImage; }));
}

// What tells the parts of one conversation, cut as windows are, from each other: the messages before the last
// are its latest ones, or an empty one.
std::string NameOf(const Conversation& one) {
  size_t bytes = 0;
  for (const Part& part : one.messages.front().parts) bytes += part.text.size();
  return std::to_string(one.messages.size()) + '/' + std::to_string(one.messages.front().parts.size()) + '/' +
         std::to_string(bytes) + '/' + LastTexts(one);
}

// The last so many images.
RequestImages LastOf(const RequestImages& all, int count) {
  RequestImages out;
  const auto first = static_cast<int64_t>(all.list.size()) - count;
  out.list.assign(all.list.begin() + first, all.list.end());
  out.grids.assign(all.grids.begin() + first, all.grids.end());
  for (const RequestImage& image : out.list) {
    out.tiles += image.At(0).tiles.tiles;
    out.animated = out.animated || image.frames.size() > 1;
  }
  return out;
}

}  // namespace

Result<Guard::Impl::CutRequest> Guard::Impl::Cut(const LoadedPolicy& loaded, const Conversation& conversation,
                                                 const ClassifyOptions& request, const PreparedRequest& whole,
                                                 StreamMemory* memory) const {
  CategoryChoice choice = ChoiceOf(request);
  choice.any_image = whole.prompt.images > 0;
  const int patches = engine->can_see() ? engine->vision()->tokens_per_tile() : 1;
  const std::vector<ImageGrid>& grids = whole.images->grids;
  CutRequest out;
  const auto tokenise = [&](const Conversation& one) -> Result<TokenisedPrompt> {
    GATEHOUSE_ASSIGN(const Prompt prompt, RenderPrompt(loaded.policy, one, choice));
    // What goes are the oldest messages: the images that stay are the last ones.
    const std::span<const ImageGrid> last = std::span(grids).last(static_cast<size_t>(prompt.images));
    return TokenisePrompt(prompt, *tokenizer, last, &loaded.fixed_texts(), patches);
  };
  // Windows that were full before a message grew are not tokenised again to see that they fit.
  std::map<std::string, int64_t> known, counted;
  const auto count = [&](const Conversation& one) -> Result<int64_t> {
    const std::string name = NameOf(one);
    const auto found = known.find(name);
    int64_t tokens = found == known.end() ? 0 : found->second;
    if (found == known.end()) {
      GATEHOUSE_ASSIGN(const TokenisedPrompt fresh, tokenise(one));
      tokens = static_cast<int64_t>(fresh.ids.size());
    }
    counted[name] = tokens;
    return tokens;
  };
  std::unique_lock<std::mutex> lock;
  if (memory != nullptr) {
    lock = std::unique_lock(memory->mutex);
    known.swap(memory->window_tokens);
  }
  const WindowLimits limits{LongestPrompt(loaded, request), request.max_windows};
  GATEHOUSE_ASSIGN(Windows windows, CutIntoWindows(conversation, limits, *tokenizer, count,
                                                   memory == nullptr ? nullptr : &memory->message));
  out.dropped_messages = windows.dropped_messages;
  out.list = std::move(windows.list);
  for (const Conversation& window : out.list) out.tokens += counted[NameOf(window)];
  if (memory != nullptr) memory->window_tokens = std::move(counted);
  // What the first two begin with, all do: only the text behind it differs.
  GATEHOUSE_ASSIGN(const TokenisedPrompt first, tokenise(out.list.front()));
  out.common.shared_tokens = static_cast<int32_t>(first.ids.size()) - 1;
  if (out.list.size() > 1) {
    GATEHOUSE_ASSIGN(const TokenisedPrompt second, tokenise(out.list[1]));
    out.common.shared_tokens = std::min(out.common.shared_tokens, CommonIds(first.ids, second.ids));
  }
  int images = 0;
  for (const Message& message : out.list.front().messages) images += ImagesOf(message);
  out.common.any_image = whole.prompt.images > 0;
  out.common.images = images == static_cast<int>(whole.images->list.size())
                          ? whole.images
                          : std::make_shared<const RequestImages>(LastOf(*whole.images, images));
  return out;
}

}  // namespace gatehouse

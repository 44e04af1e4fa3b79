#include "server/tokenize.h"

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "formats/json.h"
#include "guard/guard_impl.h"
#include "server/guard_member.h"
#include "server/messages.h"

namespace gatehouse::server {
namespace {

// It is counted where requests are read: what is longer would hold others up.
constexpr size_t kMostBytes = 1u << 20;

bool HasImages(const Conversation& conversation) {
  return std::any_of(conversation.messages.begin(), conversation.messages.end(), [](const Message& message) {
    return std::any_of(message.parts.begin(), message.parts.end(),
                       [](const Part& part) { return part.kind == Part::Kind::kImage; });
  });
}

Result<std::vector<int32_t>> TokensOf(const Json& root, const Surroundings& around, const Guard& guard,
                                      const ClassifyOptions& options) {
  const Guard::Impl& impl = ImplOf(guard);
  if (root.contains("prompt")) {
    const Json& prompt = root.at("prompt");
    if (!prompt.is_string()) return BadInput("malformed request", "prompt", "a string", ShortJson(prompt));
    return impl.Encode(prompt.get<std::string>());
  }
  GATEHOUSE_ASSIGN(const Conversation conversation,
                   ReadChat(root.at("messages"), "messages", around.max_image_bytes));
  if (HasImages(conversation))
    return BadInput("an image", "messages", "text, whose tokens can be counted", "an image");
  Result<PreparedRequest> prepared = impl.Prepare(*around.policy, conversation, options, {}, true);
  if (!prepared.ok()) return Within("messages", prepared.error());
  return std::move(prepared->tokens.ids);
}

}  // namespace

Result<Asked> ReadTokenize(const Request& request, const Surroundings& around, const Guard& guard) {
  if (request.body.size() > kMostBytes)
    return BadInput("too much to count", "body", "at most " + std::to_string(kMostBytes) + " bytes",
                    std::to_string(request.body.size()));
  GATEHOUSE_ASSIGN(const Json root, ParseJson(request.body, "body", ErrorCode::kBadInput));
  if (!root.is_object()) return BadInput("malformed request", "body", "an object", ShortJson(root));
  if (root.contains("prompt") == root.contains("messages"))
    return BadInput("what is to be counted", "prompt", "either prompt or messages",
                    root.contains("prompt") ? "both" : "neither");
  GATEHOUSE_ASSIGN(const GuardMember member, ReadGuardMember(root, around.defaults));
  GATEHOUSE_ASSIGN(const std::vector<int32_t> tokens, TokensOf(root, around, guard, member.options));
  Json body = {{"count", tokens.size()},
               {"max_model_len", Guard::Impl::LongestPrompt(*around.policy, member.options)},
               {"tokens", tokens},
               {"token_strs", nullptr}};
  Asked out;
  out.answer = [text = JsonLine(body)](const std::vector<Verdict>&) { return JsonResponse(200, text); };
  return out;
}

}  // namespace gatehouse::server

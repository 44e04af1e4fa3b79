// Prompts: a conversation written in a policy's format, and its token ids. Control tokens come from the
// format alone; what people wrote is text, whatever it spells.
//
//   GATEHOUSE_ASSIGN(Prompt prompt, RenderPrompt(policy, conversation, {}));
//   GATEHOUSE_ASSIGN(TokenisedPrompt tokens, TokenisePrompt(prompt, tokenizer, grids));
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gatehouse/conversation.h"
#include "gatehouse/result.h"
#include "policy/policy.h"
#include "text/tokenizer.h"

namespace gatehouse {

struct PromptItem {
  enum class Kind { kControl, kText, kImage };
  Kind kind = Kind::kText;
  std::string value;   // of kControl and kText
  bool fixed = false;  // does not depend on the messages, nor does anything before it
};

struct Prompt {
  std::vector<PromptItem> items;  // no two texts follow each other
  size_t fixed_text_bytes = 0;    // of the first item that is not fixed, this much of its text still is
  Role judged = Role::kUser;
  std::vector<Category> categories;  // asked for, in order
  int images = 0;
};

// Errors: kBadInput: no messages, roles that do not alternate, a message without parts, images for a policy
// that has none, and what ChooseCategories says.
Result<Prompt> RenderPrompt(const Policy& policy, const Conversation& conversation,
                            const CategoryChoice& choice);

// The exact text before image expansion: an image is "<|image|>".
std::string PromptText(const Prompt& prompt);

struct ImageGrid {
  int rows = 1;
  int cols = 1;
};

// Where an image's tiles are: the index of the first of each tile's patch tokens, the global tile last.
struct ImageSpan {
  std::vector<int32_t> tile_starts;
};

struct TokenisedPrompt {
  std::vector<int32_t> ids;
  std::vector<ImageSpan> images;
  int32_t prefix_tokens = 0;  // leading ids that every prompt of this policy, role and category list shares
};

// Remembers how many tokens of a policy's fixed text stand whatever follows it: finding that takes several
// encodings of the text. Safe to share between threads.
class FixedTextCache {
 public:
  // Leading tokens of `fixed` that every text beginning with it has.
  std::vector<int32_t> StableTokens(const Tokenizer& tokenizer, const std::string& fixed);

 private:
  std::mutex mutex_;
  std::map<std::string, std::vector<int32_t>> known_;
};

// patches: patch tokens a tile (144). cache may be null. texts: what a prompt that begins alike left there,
// one for each text of the prompt; may be null. Errors: kModel: a control token that the tokenizer lacks;
// kInternal: another number of grids than images.
Result<TokenisedPrompt> TokenisePrompt(const Prompt& prompt, const Tokenizer& tokenizer,
                                       std::span<const ImageGrid> grids, FixedTextCache* cache = nullptr,
                                       int patches = 144, std::vector<EncodedText>* texts = nullptr);

// Python's str.strip(): white space of Unicode and U+001C .. U+001F, at both ends.
std::string_view StripPython(std::string_view text);

}  // namespace gatehouse

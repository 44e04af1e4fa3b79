#include <algorithm>

#include "base/error.h"
#include "policy/prompt.h"

namespace gatehouse {
namespace {

// With custom categories in every request the texts differ: only so many are remembered.
constexpr size_t kMaxKnownTexts = 64;

size_t CommonLength(const std::vector<int32_t>& a, const std::vector<int32_t>& b) {
  return static_cast<size_t>(std::mismatch(a.begin(), a.end(), b.begin(), b.end()).first - a.begin());
}

// The tokens that stand for one image (format: see the model's published processor).
class ImageWriter {
 public:
  static Result<ImageWriter> Create(const Tokenizer& tokenizer) {
    ImageWriter writer;
    for (const auto& [name, id] : {std::pair{"<|image_start|>", &ImageWriter::start_},
                                   {"<|image_end|>", &ImageWriter::end_},
                                   {"<|image|>", &ImageWriter::image_},
                                   {"<|patch|>", &ImageWriter::patch_},
                                   {"<|tile_x_separator|>", &ImageWriter::x_},
                                   {"<|tile_y_separator|>", &ImageWriter::y_}}) {
      const auto found = tokenizer.ControlId(name);
      if (!found) return ModelError("control token missing", "tokenizer", name, "none");
      writer.*id = *found;
    }
    return writer;
  }

  void Write(const ImageGrid& grid, int patches, TokenisedPrompt* out) const {
    std::vector<int32_t>& ids = out->ids;
    ImageSpan span;
    const auto tile = [&] {
      span.tile_starts.push_back(static_cast<int32_t>(ids.size()));
      ids.insert(ids.end(), static_cast<size_t>(patches), patch_);
    };
    ids.push_back(start_);
    // An image of several tiles has its whole, made small, behind them; one of a single tile is its whole.
    if (grid.rows * grid.cols > 1) {
      for (int row = 0; row < grid.rows; ++row) {
        for (int col = 0; col < grid.cols; ++col) {
          tile();
          ids.push_back(col + 1 < grid.cols ? x_ : y_);
        }
      }
    }
    ids.push_back(image_);
    tile();
    ids.push_back(end_);
    out->images.push_back(std::move(span));
  }

 private:
  int32_t start_ = 0, end_ = 0, image_ = 0, patch_ = 0, x_ = 0, y_ = 0;
};

}  // namespace

// Tokens near the cut may merge with what follows: encoding the text with different endings shows how many do
// not.
std::vector<int32_t> FixedTextCache::StableTokens(const Tokenizer& tokenizer, const std::string& fixed) {
  std::lock_guard lock(mutex_);
  const auto found = known_.find(fixed);
  if (found != known_.end()) return found->second;
  std::vector<int32_t> stable = tokenizer.Encode(fixed);
  for (const char* ending : {"a", "A", " a", "\n", " ", "1", ".", "\xCC\x81", "'s", "/"}) {
    stable.resize(CommonLength(stable, tokenizer.Encode(fixed + ending)));
  }
  // All at once: which of them come again is not known, and to begin anew costs some short encodings.
  if (known_.size() >= kMaxKnownTexts) known_.clear();
  return known_.emplace(fixed, std::move(stable)).first->second;
}

Result<TokenisedPrompt> TokenisePrompt(const Prompt& prompt, const Tokenizer& tokenizer,
                                       std::span<const ImageGrid> grids, FixedTextCache* cache, int patches,
                                       std::vector<EncodedText>* texts) {
  if (grids.size() != static_cast<size_t>(prompt.images))
    return InternalError("another number of grids than of images", "prompt");
  FixedTextCache own;
  if (cache == nullptr) cache = &own;
  TokenisedPrompt out;
  bool fixed = true;
  size_t image = 0, text = 0;
  for (const PromptItem& item : prompt.items) {
    switch (item.kind) {
      case PromptItem::Kind::kControl: {
        // The one way to a control token: text is encoded as text, whatever it spells.
        const auto id = tokenizer.ControlId(item.value);
        if (!id) return ModelError("control token of the policy missing", "tokenizer", item.value, "none");
        out.ids.push_back(*id);
        break;
      }
      case PromptItem::Kind::kText: {
        std::vector<int32_t> fresh;
        if (texts == nullptr) {
          fresh = tokenizer.Encode(item.value);
        } else {
          if (text == texts->size()) texts->emplace_back();
          tokenizer.Encode(item.value, &(*texts)[text]);
        }
        const std::vector<int32_t>& ids = texts == nullptr ? fresh : (*texts)[text++].ids;
        // The policy's words end within this text: of them only the tokens that no continuation changes are
        // everybody's beginning.
        if (fixed && !item.fixed && prompt.fixed_text_bytes > 0) {
          const std::vector<int32_t> stable =
              cache->StableTokens(tokenizer, item.value.substr(0, prompt.fixed_text_bytes));
          out.prefix_tokens = static_cast<int32_t>(out.ids.size() + CommonLength(stable, ids));
        }
        out.ids.insert(out.ids.end(), ids.begin(), ids.end());
        break;
      }
      case PromptItem::Kind::kImage: {
        GATEHOUSE_ASSIGN(const ImageWriter writer, ImageWriter::Create(tokenizer));
        writer.Write(grids[image++], patches, &out);
        break;
      }
    }
    if (fixed && item.fixed) out.prefix_tokens = static_cast<int32_t>(out.ids.size());
    fixed = fixed && item.fixed;
  }
  return out;
}

}  // namespace gatehouse

#include <algorithm>

#include "base/error.h"
#include "policy/prompt.h"

namespace gatehouse {
namespace {

// How far two encodings of texts with a common beginning surely agree: tokens near the cut may merge with
// what follows. Encoding the fixed text with different endings shows how many do not.
int32_t StableTokens(const Tokenizer& tokenizer, const std::string& fixed,
                     const std::vector<int32_t>& whole) {
  size_t stable = whole.size();
  for (const char* ending : {"", "a", "A", " a", "\n", " ", "1", ".", "\xCC\x81", "'s", "/"}) {
    const std::vector<int32_t> other = tokenizer.Encode(fixed + ending);
    const size_t limit = std::min(stable, other.size());
    stable = static_cast<size_t>(
        std::mismatch(whole.begin(), whole.begin() + static_cast<int64_t>(limit), other.begin()).first -
        whole.begin());
  }
  return static_cast<int32_t>(stable);
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

Result<TokenisedPrompt> TokenisePrompt(const Prompt& prompt, const Tokenizer& tokenizer,
                                       std::span<const ImageGrid> grids, int patches) {
  if (grids.size() != static_cast<size_t>(prompt.images))
    return InternalError("another number of grids than of images", "prompt");
  TokenisedPrompt out;
  bool fixed = true;
  size_t image = 0;
  for (const PromptItem& item : prompt.items) {
    switch (item.kind) {
      case PromptItem::Kind::kControl: {
        const auto id = tokenizer.ControlId(item.value);
        if (!id) return ModelError("control token of the policy missing", "tokenizer", item.value, "none");
        out.ids.push_back(*id);
        break;
      }
      case PromptItem::Kind::kText: {
        const std::vector<int32_t> ids = tokenizer.Encode(item.value);
        if (fixed && !item.fixed && prompt.fixed_text_bytes > 0) {
          out.prefix_tokens = static_cast<int32_t>(out.ids.size()) +
                              StableTokens(tokenizer, item.value.substr(0, prompt.fixed_text_bytes), ids);
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

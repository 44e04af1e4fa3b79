#include "train/run/batch_maker.h"

#include <algorithm>
#include <utility>

#include "base/error.h"

namespace gatehouse::train {
namespace {

// A conversation with its answer: inputs are all tokens but the last, which is only wanted.
TrainText TextOf(std::vector<int32_t> ids, const Answer& answer, float weight) {
  TrainText out;
  out.ids = std::move(ids);
  for (size_t i = 0; i < answer.ids.size(); ++i) {
    if (answer.weights[i] > 0)
      out.targets.push_back(
          {static_cast<int32_t>(out.ids.size()) - 1, answer.ids[i], answer.weights[i] * weight});
    if (i + 1 < answer.ids.size()) out.ids.push_back(answer.ids[i]);
  }
  return out;
}

// An image's vectors stand tile by tile, as its tiles do among the tokens.
void PlacePictures(const PictureReader::Pictures& pictures, const TokenisedPrompt& tokens, int patches,
                   TrainText* text) {
  for (size_t i = 0; i < tokens.images.size(); ++i) {
    int64_t first = 0;
    for (const int32_t start : tokens.images[i].tile_starts) {
      text->pictures.push_back({start - tokens.prefix_tokens, patches, pictures.vectors[i], first});
      first += patches;
    }
  }
}

}  // namespace

Result<StepBatches> BatchMaker::Make(const Examples& examples, const std::vector<size_t>& rows,
                                     int64_t step) {
  Random random(options_.seed, static_cast<uint64_t>(step));
  Random drops(~options_.seed, static_cast<uint64_t>(step));
  const bool with_images = !rows.empty() && examples.rows[rows.front()].images() > 0;
  const CategoryList list = MakeList(policy_, with_images, options_.augmentation, random);
  StepBatches out;
  std::vector<int32_t> prefix;
  std::vector<TrainText> texts;
  double weight = 0;
  for (const size_t index : rows) {
    const EvalRow& row = examples.rows[index];
    const std::optional<WantedVerdict> wanted = WantedBy(list, row);
    if (!wanted) {
      ++out.left_out;
      continue;
    }
    Result<Prompt> prompt = RenderPrompt(policy_, row.conversation, list.choice);
    if (!prompt.ok()) return Within(row.id, prompt.error());
    PictureReader::Pictures pictures;
    if (with_images) {
      if (pictures_ == nullptr)
        return BadInput("this model cannot see images", row.id, "a model with a vision encoder", "images");
      Result<PictureReader::Pictures> found = pictures_->Of(row.conversation);
      if (!found.ok()) return Within(row.id, found.error());
      pictures = *std::move(found);
    }
    const int patches = with_images ? pictures_->tokens_per_tile() : 1;
    GATEHOUSE_ASSIGN(TokenisedPrompt tokens,
                     TokenisePrompt(*prompt, tokenizer_, pictures.grids, &fixed_, patches));
    if (static_cast<int64_t>(tokens.ids.size()) > options_.longest) {
      ++out.left_out;
      continue;
    }
    const auto shared = tokens.ids.begin() + tokens.prefix_tokens;
    if (texts.empty()) prefix.assign(tokens.ids.begin(), shared);
    if (!std::equal(prefix.begin(), prefix.end(), tokens.ids.begin(), shared))
      return InternalError("two rows of a batch whose prompts begin otherwise", row.id);
    const Answer answer = AnswerTo(policy_, tokenizer_, *wanted, options_.answer);
    texts.push_back(TextOf({shared, tokens.ids.end()}, answer, examples.weights[index]));
    PlacePictures(pictures, tokens, patches, &texts.back());
    weight += static_cast<double>(examples.weights[index]);
  }
  out.conversations = static_cast<int64_t>(texts.size());
  const auto parts = static_cast<size_t>(options_.parts);
  for (size_t begin = 0, part = 0; part < parts;) {
    const size_t part_end = texts.size() * (part + 1) / parts;
    if (begin == part_end) {
      out.part_ends.push_back(out.passes.size());
      ++part;
      continue;
    }
    auto rows_now = static_cast<int64_t>(prefix.size());
    size_t end = begin;
    while (end < part_end) {
      const auto own = static_cast<int64_t>(texts[end].ids.size());
      if (end > begin && rows_now + own > options_.rows) break;
      rows_now += own;
      ++end;
    }
    TrainBatch batch =
        MakeBatch(prefix, {std::make_move_iterator(texts.begin() + static_cast<std::ptrdiff_t>(begin)),
                           std::make_move_iterator(texts.begin() + static_cast<std::ptrdiff_t>(end))});
    batch.divide_by = weight;
    batch.drop_seed = drops.Next() | 1;  // never 0
    out.tokens += rows_now;
    out.passes.push_back(std::move(batch));
    begin = end;
  }
  return out;
}

Result<int64_t> BatchMaker::TokensOf(const EvalRow& row) {
  Result<Prompt> prompt = RenderPrompt(policy_, row.conversation, {});
  if (!prompt.ok()) return Within(row.id, prompt.error());
  std::vector<ImageGrid> grids;
  if (row.images() > 0 && pictures_ != nullptr) {
    Result<std::vector<ImageGrid>> found = pictures_->GridsOf(row.conversation);
    if (!found.ok()) return Within(row.id, found.error());
    grids = *std::move(found);
  }
  const int patches = pictures_ == nullptr ? 1 : pictures_->tokens_per_tile();
  GATEHOUSE_ASSIGN(const TokenisedPrompt tokens,
                   TokenisePrompt(*prompt, tokenizer_, grids, &fixed_, patches));
  const WantedVerdict wanted = {row.unsafe, row.categories_known, row.categories};
  const Answer answer = AnswerTo(policy_, tokenizer_, wanted, options_.answer);
  return static_cast<int64_t>(tokens.ids.size()) - tokens.prefix_tokens +
         static_cast<int64_t>(answer.ids.size()) - 1;
}

}  // namespace gatehouse::train

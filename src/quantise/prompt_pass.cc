#include "quantise/prompt_pass.h"

#include <algorithm>
#include <numeric>

#include "tensor/page.h"

namespace gatehouse {
namespace {

constexpr int64_t kBatchRows = 512;

// Whole pages of tokens with which both begin; at least one token of `prompt` is left.
int32_t SharedPages(const TokenIds& anchor, const TokenIds& prompt) {
  const size_t most = std::min(anchor.size(), prompt.size() - 1);
  const size_t same = static_cast<size_t>(
      std::mismatch(anchor.begin(), anchor.begin() + static_cast<int64_t>(most), prompt.begin()).first -
      anchor.begin());
  return static_cast<int32_t>(same / kPageTokens);
}

// A run of prompts that share pages with its first, the anchor.
struct Family {
  size_t first = 0, count = 0;
  std::vector<int32_t> shared;  // pages, of each follower
};

std::vector<Family> FindFamilies(const std::vector<TokenIds>& prompts) {
  std::vector<Family> out;
  for (size_t i = 0; i < prompts.size(); ++i) {
    const int32_t shared = out.empty() ? 0 : SharedPages(prompts[out.back().first], prompts[i]);
    if (shared == 0) {
      out.push_back({i, 1, {}});
    } else {
      ++out.back().count;
      out.back().shared.push_back(shared);
    }
  }
  return out;
}

class Pass {
 public:
  Pass(const PassWeights& weights, Decoder& decoder, Observer& observer,
       const std::function<void(int64_t)>& progress)
      : weights_(weights),
        decoder_(decoder),
        observer_(observer),
        progress_(progress),
        cache_(observer.CreateKvCache(decoder.kv_shape())) {}

  Result<void> Run(const std::vector<TokenIds>& prompts, const Family& family) {
    const TokenIds& anchor = prompts[family.first];
    std::vector<float> counts(anchor.size(), 1.0f);
    for (const int32_t pages : family.shared) {
      for (int64_t i = 0; i < int64_t{pages} * kPageTokens; ++i)
        counts[static_cast<size_t>(i)] += weights_.shared;
    }
    const int32_t anchor_pages = PagesOf(anchor.size());
    next_page_ = 0;
    GATEHOUSE_TRY(Add(anchor, {}, counts));
    GATEHOUSE_TRY(Flush());
    std::vector<int32_t> pages(static_cast<size_t>(anchor_pages));
    std::iota(pages.begin(), pages.end(), 0);
    next_page_ = anchor_pages;
    for (size_t i = 1; i < family.count; ++i) {
      const TokenIds& prompt = prompts[family.first + i];
      const std::vector<int32_t> shared(pages.begin(), pages.begin() + family.shared[i - 1]);
      GATEHOUSE_TRY(Add(prompt, shared, {}));
      if (static_cast<int64_t>(batch_.rows.size()) < kBatchRows) continue;
      GATEHOUSE_TRY(Flush());
      next_page_ = anchor_pages;
    }
    return Flush();
  }

 private:
  static int32_t PagesOf(size_t tokens) {
    return static_cast<int32_t>((tokens + kPageTokens - 1) / kPageTokens);
  }

  // Appends a prompt to the batch. A long one runs in pieces by itself.
  Result<void> Add(const TokenIds& prompt, std::vector<int32_t> pages, const std::vector<float>& counts) {
    int32_t cached = static_cast<int32_t>(pages.size()) * kPageTokens;
    while (static_cast<int32_t>(pages.size()) < PagesOf(prompt.size())) pages.push_back(next_page_++);
    const auto size = static_cast<int32_t>(prompt.size());
    if (size - cached > kBatchRows) GATEHOUSE_TRY(Flush());
    while (cached < size) {
      const int32_t count = std::min<int32_t>(size - cached, kBatchRows);
      const auto sequence = static_cast<int32_t>(batch_.sequences.size());
      batch_.sequences.push_back({pages, cached});
      for (int32_t i = cached; i < cached + count; ++i) {
        const int32_t parent = i == cached ? -1 : static_cast<int32_t>(batch_.rows.size()) - 1;
        batch_.rows.push_back({prompt[static_cast<size_t>(i)], -1, i, sequence, parent});
        const float own = i + 1 == size ? weights_.last : 1.0f;
        row_weights_.push_back(counts.empty() ? own : std::max(own, counts[static_cast<size_t>(i)]));
      }
      cached += count;
      if (cached < size) GATEHOUSE_TRY(Flush());
    }
    return {};
  }

  Result<void> Flush() {
    if (batch_.rows.empty()) return {};
    GATEHOUSE_TRY(cache_->Reserve(next_page_));
    const auto rows = static_cast<int64_t>(batch_.rows.size());
    observer_.SetRowWeights(std::move(row_weights_));
    batch_.all_rows = true;
    GATEHOUSE_TRY(decoder_.Forward(batch_, *cache_));
    batch_ = {};
    row_weights_.clear();
    done_ += rows;
    if (progress_) progress_(done_);
    return {};
  }

  PassWeights weights_;
  Decoder& decoder_;
  Observer& observer_;
  const std::function<void(int64_t)>& progress_;
  std::unique_ptr<KvCache> cache_;
  Batch batch_;
  std::vector<float> row_weights_;
  int32_t next_page_ = 0;
  int64_t done_ = 0;
};

}  // namespace

int64_t PassRows(const std::vector<TokenIds>& prompts) {
  int64_t rows = 0;
  for (const TokenIds& prompt : prompts) rows += static_cast<int64_t>(prompt.size());
  for (const Family& family : FindFamilies(prompts)) {
    for (const int32_t pages : family.shared) rows -= int64_t{pages} * kPageTokens;
  }
  return rows;
}

Result<void> RunPrompts(const std::vector<TokenIds>& prompts, const PassWeights& weights, Decoder& decoder,
                        Observer& observer, const std::function<void(int64_t)>& progress) {
  Pass pass(weights, decoder, observer, progress);
  for (const Family& family : FindFamilies(prompts)) GATEHOUSE_TRY(pass.Run(prompts, family));
  return {};
}

}  // namespace gatehouse

// Attention over pages. A unit of work is one key/value head with a block of rows of one sequence: all query
// heads of the group share each page while it is in the cache. The scores of a page never leave the stack, so
// the T x T matrix does not exist. Pages are taken in order from slot 0, hence a row's sum does not depend on
// chunks or batches.
#include <algorithm>
#include <limits>

#include "backend/cpu_internal.h"

namespace gatehouse::cpu {

namespace {

// Bits of the slots of one page that a row sees.
uint32_t PageMask(const AttentionLayout& layout, const AttentionLayout::Row& row, int32_t page,
                  bool chunked) {
  const int32_t base = page * kPageTokens;
  const int32_t begin = std::clamp((chunked ? row.begin_chunked : row.begin) - base, 0, kPageTokens);
  const int32_t end = std::clamp(row.end - base, 0, kPageTokens);
  uint32_t mask = 0;
  if (end > begin) {
    const uint32_t below_end = end == kPageTokens ? ~0u : (1u << end) - 1u;
    mask = below_end & ~((1u << begin) - 1u);
  }
  for (int i = 0; i < row.extra_count; ++i) {
    const size_t extra = static_cast<size_t>(row.extra_first + i);
    if (chunked && layout.extra_positions[extra] < row.begin_chunked) continue;
    const int32_t slot = layout.extra_slots[extra] - base;
    if (slot >= 0 && slot < kPageTokens) mask |= 1u << slot;
  }
  return mask;
}

// Slots [first, last) outside of which no row of the unit sees anything.
void VisibleRange(const AttentionLayout& layout, const Unit& unit, bool chunked, int32_t* first,
                  int32_t* last) {
  *first = std::numeric_limits<int32_t>::max();
  *last = 0;
  for (int i = unit.first; i < unit.first + unit.count; ++i) {
    const AttentionLayout::Row& row = layout.rows[static_cast<size_t>(i)];
    const int32_t begin = chunked ? row.begin_chunked : row.begin;
    if (row.end > begin) {
      *first = std::min(*first, begin);
      *last = std::max(*last, row.end);
    }
    for (int e = 0; e < row.extra_count; ++e) {
      const int32_t slot = layout.extra_slots[static_cast<size_t>(row.extra_first + e)];
      *first = std::min(*first, slot);
      *last = std::max(*last, slot + 1);
    }
  }
}

// Keys and values of a page and head in float32: where they are, or widened into `wide`.
const float* WidePage(const AttentionContext& context, const PagedKv& cache, const std::byte* head,
                      float* wide) {
  switch (cache.type) {
    case KvType::kF32:
    case KvType::kBF16Pairs:  // not widened
      break;
    case KvType::kBF16:
      context.kernel->widen_bf16(reinterpret_cast<const uint16_t*>(head), cache.HeadElements(), wide);
      return wide;
    case KvType::kI8: {
      const auto* keys = reinterpret_cast<const int8_t*>(head);
      const auto* scales = reinterpret_cast<const float*>(head + cache.HeadElements());
      const int head_dim = cache.shape.head_dim;
      context.kernel->widen_keys_i8(keys, scales, head_dim, wide);
      context.kernel->widen_values_i8(keys + cache.KeyElements(), scales + kPageTokens, ValueStride(head_dim),
                                      wide + cache.KeyElements());
      return wide;
    }
  }
  return reinterpret_cast<const float*>(head);
}

// A unit's query vectors times a factor, [queries][width]; queries of a row follow each other.
void ScaleQueries(const VectorKernel& kernel, const Unit& unit, int group, int head, int head_dim, Mat q,
                  float factor, int width, float* out) {
  for (int row = 0; row < unit.count; ++row) {
    const float* from = RowOf(q, unit.first + row) + head * group * head_dim;
    for (int i = 0; i < group; ++i) {
      kernel.scale(from, factor, head_dim, out);
      for (int d = head_dim; d < width; ++d) out[d] = 0.0f;
      from += head_dim;
      out += width;
    }
  }
}

}  // namespace

void RunAttention(const AttentionContext& context, const PagedKv& cache, int layer, const Layout& prepared,
                  Mat q, float scale, bool chunked, Mat out) {
  const AttentionLayout& layout = prepared.host;
  const std::vector<Unit>& units = prepared.units;
  const int head_dim = cache.shape.head_dim;
  const int stride = ValueStride(head_dim);
  const int kv_heads = cache.shape.kv_heads;
  const int group = static_cast<int>(q.cols / head_dim) / kv_heads;  // query heads of one kv head
  const bool in_pairs = cache.type == KvType::kBF16Pairs;
  const bool widened = !in_pairs && cache.type != KvType::kF32;
  const int width = in_pairs ? 2 * HeadPairs(head_dim) : head_dim;  // of a query vector
  constexpr float kLog2E = 1.44269504f;
  const float factor = in_pairs ? scale * kLog2E : scale;
  context.pool->For(static_cast<int64_t>(units.size()) * kv_heads, [&](int64_t index, int thread) {
    // All units of a head one after the other: its keys and values stay in the cache between them. The
    // longest units come last in a causal batch: begin with them, so that the threads end together.
    const auto count = static_cast<int64_t>(units.size());
    const Unit unit = units[static_cast<size_t>(count - 1 - index % count)];
    const int head = static_cast<int>(index / count);
    Scratch& scratch = (*context.scratch)[static_cast<size_t>(thread)];
    const int queries = unit.count * group;
    const int64_t query_values = static_cast<int64_t>(queries) * width;
    float* scaled = scratch.attention[0].GetAs<float>(query_values);
    float* sums = scratch.attention[1].GetAs<float>(static_cast<int64_t>(queries) * stride);
    float* state = scratch.attention[2].GetAs<float>(2 * queries);
    uint32_t* masks = scratch.attention[3].GetAs<uint32_t>(queries);
    float* wide = widened ? scratch.attention[4].GetAs<float>(cache.HeadElements()) : nullptr;
    uint32_t* rounded = in_pairs ? scratch.attention[5].GetAs<uint32_t>(query_values / 2) : nullptr;
    ScaleQueries(*context.kernel, unit, group, head, head_dim, q, factor, width, scaled);
    if (in_pairs) context.kernel->round_bf16(scaled, query_values, reinterpret_cast<uint16_t*>(rounded));
    std::fill_n(state, queries, -std::numeric_limits<float>::infinity());
    std::fill_n(state + queries, queries, 0.0f);
    std::fill_n(sums, static_cast<int64_t>(queries) * stride, 0.0f);

    int32_t first, last;
    VisibleRange(layout, unit, chunked, &first, &last);
    const std::vector<int32_t>& pages =
        layout.pages[static_cast<size_t>(layout.rows[static_cast<size_t>(unit.first)].sequence)];
    for (int32_t page = first / kPageTokens; page * kPageTokens < last; ++page) {
      for (int row = 0; row < unit.count; ++row) {
        std::fill_n(masks + row * group, group,
                    PageMask(layout, layout.rows[static_cast<size_t>(unit.first + row)], page, chunked));
      }
      const std::byte* stored = cache.Head(pages[static_cast<size_t>(page)], layer, head);
      if (in_pairs) {
        const auto* keys = reinterpret_cast<const uint32_t*>(stored);
        context.kernel->attend_pairs({rounded, keys, keys + cache.KeyElements() / 2, masks, state,
                                      state + queries, sums, queries, head_dim});
      } else {
        const float* keys = WidePage(context, cache, stored, wide);
        context.kernel->attend({scaled, keys, keys + cache.KeyElements(), masks, state, state + queries, sums,
                                queries, head_dim});
      }
    }
    for (int row = 0, query = 0; row < unit.count; ++row) {
      float* to = RowOf(out, unit.first + row) + head * group * head_dim;
      for (int i = 0; i < group; ++i, ++query) {
        context.kernel->scale(sums + static_cast<int64_t>(query) * stride, 1.0f / state[queries + query],
                              head_dim, to + i * head_dim);
      }
    }
  });
}

}  // namespace gatehouse::cpu

// Attention over pages. A unit of work is one key/value head with a block of rows of one sequence: all query
// heads of the group share each page while it is in the cache. The scores of a page never leave the stack, so
// the T x T matrix does not exist. Pages are taken in order from slot 0, hence a row's sum does not depend on
// chunks or batches.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "backend/cpu_internal.h"

namespace gatehouse::cpu {

PagedKv::PagedKv(const KvShape& shape_in, KvType type_in) : shape(shape_in), type(type_in) {}

int64_t PagedKv::BytesPerPage() const {
  return static_cast<int64_t>(shape.layers) * shape.kv_heads * HeadBytes();
}

Result<void> PagedKv::Reserve(int32_t count) {
  try {
    while (static_cast<int32_t>(pages.size()) < count) {
      AlignedBuffer page;
      void* data = page.Get(static_cast<size_t>(BytesPerPage()));
      // Slots that nobody wrote are masked, but must not hold NaN bits: a weight of zero would not hide them.
      std::memset(data, 0, static_cast<size_t>(BytesPerPage()));
      pages.push_back(std::move(page));
      page_data.push_back(data);
    }
  } catch (const std::bad_alloc&) {
    return Error{ErrorCode::kInternal, "out of memory", "key/value cache", {}, {}};
  }
  return {};
}

void PagedKv::CopyPage(int32_t from, int32_t to) {
  std::memcpy(page_data[static_cast<size_t>(to)], page_data[static_cast<size_t>(from)],
              static_cast<size_t>(BytesPerPage()));
}

namespace {

// Rows of one sequence that one unit of work takes together.
constexpr int kRowsAtOnce = 16;

struct Unit {
  int first;
  int count;
};

std::vector<Unit> CutRows(const AttentionLayout& layout) {
  std::vector<Unit> units;
  const int rows = static_cast<int>(layout.rows.size());
  for (int first = 0; first < rows;) {
    int count = 1;
    while (count < kRowsAtOnce && first + count < rows &&
           layout.rows[first + count].sequence == layout.rows[first].sequence) {
      ++count;
    }
    units.push_back({first, count});
    first += count;
  }
  return units;
}

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

// One key and value into a slot: the key as a column, the value as a row.
template <typename T>
void StoreSlot(const PagedKv& cache, std::byte* head, int64_t slot, const T* key, const T* value) {
  const int head_dim = cache.shape.head_dim;
  T* keys = reinterpret_cast<T*>(head);
  for (int d = 0; d < head_dim; ++d) keys[d * kPageTokens + slot] = key[d];
  std::memcpy(keys + cache.KeyElements() + slot * ValueStride(head_dim), value,
              sizeof(T) * static_cast<size_t>(head_dim));
}

// Keys and values of a page and head in float32: where they are, or widened into `wide`.
const float* WidePage(const AttentionContext& context, const PagedKv& cache, const std::byte* head,
                      float* wide) {
  switch (cache.type) {
    case KvType::kF32:
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

}  // namespace

void RunWriteKv(const AttentionContext& context, PagedKv& cache, int layer, const AttentionLayout& layout,
                Mat k, Mat v) {
  const int head_dim = cache.shape.head_dim;
  context.pool->For(cache.shape.kv_heads, [&](int64_t kv_head, int thread) {
    AlignedBuffer& scratch = (*context.scratch)[static_cast<size_t>(thread)].attention[0];
    uint16_t* bits = scratch.GetAs<uint16_t>(2 * head_dim);
    int8_t* bytes = reinterpret_cast<int8_t*>(bits);
    for (size_t i = 0; i < layout.rows.size(); ++i) {
      const AttentionLayout::Row& row = layout.rows[i];
      const int32_t page =
          layout.pages[static_cast<size_t>(row.sequence)][static_cast<size_t>(row.slot / kPageTokens)];
      const int64_t slot = row.slot % kPageTokens;
      const float* key = RowOf(k, static_cast<int64_t>(i)) + kv_head * head_dim;
      const float* value = RowOf(v, static_cast<int64_t>(i)) + kv_head * head_dim;
      std::byte* head = cache.Head(page, layer, static_cast<int>(kv_head));
      switch (cache.type) {
        case KvType::kF32:
          StoreSlot(cache, head, slot, key, value);
          break;
        case KvType::kBF16:
          context.kernel->round_bf16(key, head_dim, bits);
          context.kernel->round_bf16(value, head_dim, bits + head_dim);
          StoreSlot<uint16_t>(cache, head, slot, bits, bits + head_dim);
          break;
        case KvType::kI8: {
          float* scales = reinterpret_cast<float*>(head + cache.HeadElements());
          scales[slot] = context.kernel->round_i8(key, head_dim, bytes);
          scales[kPageTokens + slot] = context.kernel->round_i8(value, head_dim, bytes + head_dim);
          StoreSlot<int8_t>(cache, head, slot, bytes, bytes + head_dim);
          break;
        }
      }
    }
  });
}

void RunAttention(const AttentionContext& context, const PagedKv& cache, int layer,
                  const AttentionLayout& layout, Mat q, float scale, bool chunked, Mat out) {
  const int head_dim = cache.shape.head_dim;
  const int stride = ValueStride(head_dim);
  const int kv_heads = cache.shape.kv_heads;
  const int group = static_cast<int>(q.cols / head_dim) / kv_heads;  // query heads of one kv head
  const std::vector<Unit> units = CutRows(layout);
  context.pool->For(static_cast<int64_t>(units.size()) * kv_heads, [&](int64_t index, int thread) {
    // The longest units come last in a causal batch: begin with them, so that the threads end together.
    const Unit unit = units[units.size() - 1 - static_cast<size_t>(index / kv_heads)];
    const int head = static_cast<int>(index % kv_heads);
    Scratch& scratch = (*context.scratch)[static_cast<size_t>(thread)];
    const int queries = unit.count * group;
    float* scaled = scratch.attention[0].GetAs<float>(static_cast<int64_t>(queries) * head_dim);
    float* sums = scratch.attention[1].GetAs<float>(static_cast<int64_t>(queries) * stride);
    float* state = scratch.attention[2].GetAs<float>(2 * queries);
    uint32_t* masks = scratch.attention[3].GetAs<uint32_t>(queries);
    float* wide =
        cache.type != KvType::kF32 ? scratch.attention[4].GetAs<float>(cache.HeadElements()) : nullptr;
    for (int i = 0; i < queries; ++i) {
      const float* from = RowOf(q, unit.first + i / group) + (head * group + i % group) * head_dim;
      for (int d = 0; d < head_dim; ++d) scaled[static_cast<int64_t>(i) * head_dim + d] = from[d] * scale;
      state[i] = -std::numeric_limits<float>::infinity();
      state[queries + i] = 0.0f;
    }
    std::memset(sums, 0, sizeof(float) * static_cast<size_t>(queries) * static_cast<size_t>(stride));

    int32_t first, last;
    VisibleRange(layout, unit, chunked, &first, &last);
    const std::vector<int32_t>& pages =
        layout.pages[static_cast<size_t>(layout.rows[static_cast<size_t>(unit.first)].sequence)];
    for (int32_t page = first / kPageTokens; page * kPageTokens < last; ++page) {
      for (int i = 0; i < queries; ++i) {
        masks[i] = i % group == 0 ? PageMask(layout, layout.rows[static_cast<size_t>(unit.first + i / group)],
                                             page, chunked)
                                  : masks[i - 1];
      }
      const float* keys =
          WidePage(context, cache, cache.Head(pages[static_cast<size_t>(page)], layer, head), wide);
      context.kernel->attend(
          {scaled, keys, keys + cache.KeyElements(), masks, state, state + queries, sums, queries, head_dim});
    }
    for (int i = 0; i < queries; ++i) {
      float* to = RowOf(out, unit.first + i / group) + (head * group + i % group) * head_dim;
      const float inverse = 1.0f / state[queries + i];
      for (int d = 0; d < head_dim; ++d) to[d] = sums[static_cast<int64_t>(i) * stride + d] * inverse;
    }
  });
}

}  // namespace gatehouse::cpu

// The cache of keys and values: pages, and how a row's key and value go into a slot of one.
#include <algorithm>
#include <cstring>

#include "backend/cpu_internal.h"
#include "base/error.h"

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
    }
  } catch (const std::bad_alloc&) {
    return OutOfMemory("key/value cache");
  }
  return {};
}

Result<void> PagedKv::CopyPage(int32_t from, int32_t to) {
  std::memcpy(pages[static_cast<size_t>(to)].data(), pages[static_cast<size_t>(from)].data(),
              static_cast<size_t>(BytesPerPage()));
  return {};
}

namespace {

// One key and value into a slot: the key as a column, the value as a row.
template <typename T>
void StoreSlot(const PagedKv& cache, std::byte* head, int64_t slot, const T* key, const T* value) {
  const int head_dim = cache.shape.head_dim;
  T* keys = reinterpret_cast<T*>(head);
  for (int d = 0; d < head_dim; ++d) keys[d * kPageTokens + slot] = key[d];
  std::memcpy(keys + cache.KeyElements() + slot * ValueStride(head_dim), value,
              sizeof(T) * static_cast<size_t>(head_dim));
}

// The same with two dimensions of a key, and two tokens' values, side by side.
void StoreSlotInPairs(const PagedKv& cache, std::byte* head, int64_t slot, const uint16_t* key,
                      const uint16_t* value) {
  const int head_dim = cache.shape.head_dim;
  uint16_t* keys = reinterpret_cast<uint16_t*>(head) + 2 * slot;
  for (int d = 0; d + 1 < head_dim; d += 2) std::memcpy(keys + d * kPageTokens, key + d, 2 * sizeof *key);
  if (head_dim % 2 != 0) keys[(head_dim - 1) * kPageTokens] = key[head_dim - 1];
  uint16_t* values = reinterpret_cast<uint16_t*>(head) + cache.KeyElements() +
                     slot / 2 * 2 * ValueStride(head_dim) + slot % 2;
  for (int d = 0; d < head_dim; ++d) values[2 * d] = value[d];
}

}  // namespace

void RunWriteKv(const AttentionContext& context, PagedKv& cache, int layer, const Layout& prepared, Mat k,
                Mat v) {
  constexpr int64_t kRowsOfTask = 16;
  const int head_dim = cache.shape.head_dim;
  const AttentionLayout& layout = prepared.host;
  const int64_t rows = static_cast<int64_t>(layout.rows.size());
  const int64_t blocks = (rows + kRowsOfTask - 1) / kRowsOfTask;
  context.pool->For(cache.shape.kv_heads * blocks, [&](int64_t index, int thread) {
    const int64_t kv_head = index / blocks, first = index % blocks * kRowsOfTask;
    AlignedBuffer& scratch = (*context.scratch)[static_cast<size_t>(thread)].attention[0];
    uint16_t* bits = scratch.GetAs<uint16_t>(2 * head_dim);
    int8_t* bytes = reinterpret_cast<int8_t*>(bits);
    for (int64_t i = first; i < std::min(rows, first + kRowsOfTask); ++i) {
      const AttentionLayout::Row& row = layout.rows[static_cast<size_t>(i)];
      const int32_t page =
          layout.pages[static_cast<size_t>(row.sequence)][static_cast<size_t>(row.slot / kPageTokens)];
      const int64_t slot = row.slot % kPageTokens;
      const float* key = RowOf(k, i) + kv_head * head_dim;
      const float* value = RowOf(v, i) + kv_head * head_dim;
      std::byte* head = cache.Head(page, layer, static_cast<int>(kv_head));
      switch (cache.type) {
        case KvType::kF32:
          StoreSlot(cache, head, slot, key, value);
          break;
        case KvType::kBF16:
        case KvType::kBF16Pairs: {
          context.kernel->round_bf16(key, head_dim, bits);
          context.kernel->round_bf16(value, head_dim, bits + head_dim);
          const auto store = cache.type == KvType::kBF16 ? StoreSlot<uint16_t> : StoreSlotInPairs;
          store(cache, head, slot, bits, bits + head_dim);
          break;
        }
        case KvType::kI8: {
          // Behind keys and values of a head: a scale for each token's key, then for each one's value.
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

}  // namespace gatehouse::cpu

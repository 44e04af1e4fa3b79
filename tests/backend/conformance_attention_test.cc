// Attention over pages, on every backend: chains, trees, chunks, ragged sequences, pages that several share.
#include <cmath>
#include <map>
#include <utility>

#include "backend/conformance.h"
#include "model/batch.h"

namespace gatehouse {
namespace {

using test::ExpectNear;
using test::Matrix;

class Attention : public test::Conformance {
 protected:
  // A model of two layers, whose keys and values the test remembers as they were before they were stored.
  struct Heads {
    int heads;
    int kv_heads;
    int head_dim;
  };
  struct Stored {
    std::vector<float> key, value;  // [kv_heads * head_dim]
  };
  using Store = std::map<std::pair<int32_t, int32_t>, Stored>;  // (page, slot in it)

  static constexpr int kLayer = 1;  // of two: that layers lie apart counts

  // Writes the batch's keys and values, and compares what each row makes of them.
  void Run(const Heads& shape, const Batch& batch, int64_t chunk, KvCache& cache, Store* store,
           const std::string& what) {
    const AttentionLayout layout = MakeLayout(batch, chunk);
    const auto prepared = backend().CreateLayout();
    backend().Prepare(layout, *prepared);
    const auto rows = static_cast<int64_t>(batch.rows.size());
    const int64_t width = static_cast<int64_t>(shape.kv_heads) * shape.head_dim;
    const Matrix k = Random(rows, width), v = Random(rows, width);
    const Matrix q = Random(rows, static_cast<int64_t>(shape.heads) * shape.head_dim, 3.0f);
    backend().WriteKv(cache, kLayer, *prepared, Put(k), Put(v));
    // Another layer's are not seen.
    backend().WriteKv(cache, 0, *prepared, Put(Random(rows, width, 50.0f)), Put(Random(rows, width, 50.0f)));
    for (int64_t row = 0; row < rows; ++row) {
      const AttentionLayout::Row& at = layout.rows[static_cast<size_t>(row)];
      Stored& stored = (*store)[PlaceOf(layout, at.sequence, at.slot)];
      const auto first = static_cast<int64_t>(row * width);
      stored.key.assign(k.values.begin() + first, k.values.begin() + first + width);
      stored.value.assign(v.values.begin() + first, v.values.begin() + first + width);
    }
    const float scale = 1.0f / std::sqrt(static_cast<float>(shape.head_dim));
    for (const bool chunked : {false, true}) {
      if (chunked && chunk == 0) continue;
      const Mat out = Make(q.rows, q.cols);
      backend().Attention(cache, kLayer, *prepared, Put(q), scale, chunked, out);
      Matrix want(q.rows, q.cols);
      for (int64_t row = 0; row < rows; ++row) Expected(shape, layout, row, chunked, scale, q, *store, &want);
      ExpectNear(Get(out), want, GetParam().attention_tolerance(), what + (chunked ? ", chunked" : ""));
    }
  }

  static std::pair<int32_t, int32_t> PlaceOf(const AttentionLayout& layout, int32_t sequence, int32_t slot) {
    return {layout.pages[static_cast<size_t>(sequence)][static_cast<size_t>(slot / kPageTokens)],
            slot % kPageTokens};
  }

  static void Expected(const Heads& shape, const AttentionLayout& layout, int64_t row, bool chunked,
                       float scale, const Matrix& q, const Store& store, Matrix* want) {
    const std::vector<int32_t> slots = test::VisibleSlots(layout, static_cast<size_t>(row), chunked);
    const int32_t sequence = layout.rows[static_cast<size_t>(row)].sequence;
    for (int head = 0; head < shape.heads; ++head) {
      const int kv_head = head / (shape.heads / shape.kv_heads);
      const auto of = [&](int64_t i) -> const Stored& {
        return store.at(PlaceOf(layout, sequence, slots[static_cast<size_t>(i)]));
      };
      const auto size = static_cast<size_t>(shape.head_dim);
      const size_t at = static_cast<size_t>(row * q.cols) + static_cast<size_t>(head) * size;
      test::Attend(
          std::span(q.values).subspan(at, size), static_cast<int64_t>(slots.size()),
          [&](int64_t i) { return of(i).key.data() + kv_head * shape.head_dim; },
          [&](int64_t i) { return of(i).value.data() + kv_head * shape.head_dim; }, scale,
          std::span(want->values).subspan(at, size));
    }
  }

  // A chain of `count` rows behind what a sequence has; returns the row of its end.
  static int32_t Chain(int32_t sequence, int32_t count, Batch* batch) {
    int32_t parent = -1;
    for (int32_t i = 0; i < count; ++i) {
      batch->rows.push_back({.position = batch->sequences[static_cast<size_t>(sequence)].cached + i,
                             .sequence = sequence,
                             .parent = parent});
      parent = static_cast<int32_t>(batch->rows.size()) - 1;
    }
    return parent;
  }
};

const std::vector<std::array<int, 3>> kShapes = {{1, 1, 8}, {4, 2, 20}, {6, 2, 64}, {5, 1, 33}};

TEST_P(Attention, OverChainsInPieces) {
  for (const auto& [heads, kv_heads, head_dim] : kShapes) {
    const Heads shape{heads, kv_heads, head_dim};
    const auto cache = backend().CreateKvCache({2, kv_heads, head_dim});
    ASSERT_TRUE(cache->Reserve(5).ok());
    Store store;
    int32_t cached = 0;
    for (const int32_t count : {1, 30, 1, 33, 40, 17}) {
      Batch batch;
      batch.sequences.push_back({{3, 0, 4, 1}, cached});
      Chain(0, count, &batch);
      Run(shape, batch, 24, *cache, &store, std::to_string(head_dim) + " after " + std::to_string(cached));
      cached += count;
    }
  }
}

TEST_P(Attention, OverTrees) {
  for (const auto& [heads, kv_heads, head_dim] : kShapes) {
    const Heads shape{heads, kv_heads, head_dim};
    const auto cache = backend().CreateKvCache({2, kv_heads, head_dim});
    ASSERT_TRUE(cache->Reserve(4).ok());
    for (int round = 0; round < 4; ++round) {
      Store store;
      Batch prompt;
      prompt.sequences.push_back({{2, 1, 3, 0}, 0});
      Chain(0, Number(1, 60), &prompt);
      const auto cached = static_cast<int32_t>(prompt.rows.size());
      Run(shape, prompt, 0, *cache, &store, "prompt");
      Batch tree;
      tree.sequences.push_back({{2, 1, 3, 0}, cached});
      for (int32_t i = 0; i < 40; ++i) {  // each row behind any earlier one, or the cached end
        const int32_t parent = Number(-1, i - 1);
        const int32_t position = parent < 0 ? cached : tree.rows[static_cast<size_t>(parent)].position + 1;
        tree.rows.push_back({.position = position, .sequence = 0, .parent = parent});
      }
      Run(shape, tree, round % 2 == 0 ? 0 : 16, *cache, &store, "tree of " + std::to_string(head_dim));
    }
  }
}

TEST_P(Attention, OfRaggedSequencesThatSharePages) {
  for (const auto& [heads, kv_heads, head_dim] : kShapes) {
    const Heads shape{heads, kv_heads, head_dim};
    const auto cache = backend().CreateKvCache({2, kv_heads, head_dim});
    ASSERT_TRUE(cache->Reserve(2).ok());
    Store store;
    Batch prompt;
    prompt.sequences.push_back({{1, 0}, 0});
    Chain(0, 45, &prompt);
    Run(shape, prompt, 0, *cache, &store, "shared beginning");
    // Two go on behind the first page, which they share; one begins anew. Page 5 continues a copy of page 0.
    ASSERT_TRUE(cache->Reserve(9).ok());  // what is there stays
    ASSERT_TRUE(cache->CopyPage(0, 5).ok());
    for (int32_t slot = 0; slot < 13; ++slot) store[{5, slot}] = store.at({0, slot});
    Batch batch;
    batch.sequences.push_back({{1, 5, 6}, 45});
    batch.sequences.push_back({{7}, 0});
    batch.sequences.push_back({{1, 8}, 32});
    const int32_t end = Chain(0, 23, &batch);
    for (int i = 0; i < 3; ++i)
      batch.rows.push_back({.position = 45 + 23, .sequence = 0, .parent = i == 2 ? -1 : end});
    Chain(1, 5, &batch);
    Chain(2, 1, &batch);
    Run(shape, batch, 40, *cache, &store, "together, " + std::to_string(head_dim));
  }
}

TEST_P(Attention, InBothDirections) {  // as pictures have it: every row sees all of its sequence
  for (const auto& [heads, kv_heads, head_dim] : kShapes) {
    const auto cache = backend().CreateKvCache({1, kv_heads, head_dim, /*exact=*/true});
    ASSERT_TRUE(cache->Reserve(4).ok());
    AttentionLayout layout;
    layout.pages = {{0, 1}, {2, 3}};
    for (int32_t tile = 0; tile < 2; ++tile) {
      for (int32_t i = 0; i < 37; ++i) layout.rows.push_back({.sequence = tile, .slot = i, .end = 37});
    }
    const auto prepared = backend().CreateLayout();
    backend().Prepare(layout, *prepared);
    const int64_t width = static_cast<int64_t>(kv_heads) * head_dim;
    const Matrix k = Random(74, width), v = Random(74, width), q = Random(74, int64_t{heads} * head_dim);
    backend().WriteKv(*cache, 0, *prepared, Put(k), Put(v));
    const Mat out = Make(74, q.cols);
    backend().Attention(*cache, 0, *prepared, Put(q), 0.25f, /*chunked=*/false, out);
    Matrix want(74, q.cols);
    Store store;
    for (int64_t row = 0; row < 74; ++row) {
      const AttentionLayout::Row& at = layout.rows[static_cast<size_t>(row)];
      const auto first = static_cast<int64_t>(row * width);
      store[PlaceOf(layout, at.sequence, at.slot)] = {
          {k.values.begin() + first, k.values.begin() + first + width},
          {v.values.begin() + first, v.values.begin() + first + width}};
    }
    for (int64_t row = 0; row < 74; ++row)
      Expected({heads, kv_heads, head_dim}, layout, row, false, 0.25f, q, store, &want);
    ExpectNear(Get(out), want, GetParam().f32 ? 2e-5 : 2e-2, std::to_string(head_dim));
  }
}

TEST_P(Attention, DoesNotDependOnCompanyWhereThatIsPromised) {
  if (!backend().ExactInCompany()) GTEST_SKIP() << "the backend does not promise it";
  const auto cache = backend().CreateKvCache({1, 2, 32});
  ASSERT_TRUE(cache->Reserve(4).ok());
  const Matrix k = Random(50, 64), v = Random(50, 64), q = Random(50, 128);
  std::vector<Matrix> answers;
  // At once, then in three pieces on other pages.
  for (const std::vector<int32_t>& pieces : {std::vector<int32_t>{50}, std::vector<int32_t>{7, 1, 42}}) {
    const bool again = pieces.size() > 1;
    Matrix got(50, 128);
    int32_t cached = 0;
    for (const int32_t count : pieces) {
      Batch batch;
      batch.sequences.push_back({again ? std::vector<int32_t>{3, 1} : std::vector<int32_t>{0, 2}, cached});
      Chain(0, count, &batch);
      const auto prepared = backend().CreateLayout();
      backend().Prepare(MakeLayout(batch, 0), *prepared);
      const auto part = [&](const Matrix& of) { return Put(of).Rows(cached, count); };
      backend().WriteKv(*cache, 0, *prepared, part(k), part(v));
      const Mat out = Make(count, 128);
      backend().Attention(*cache, 0, *prepared, part(q), 0.2f, /*chunked=*/false, out);
      const Matrix piece = Get(out);
      std::copy(piece.values.begin(), piece.values.end(), got.values.begin() + cached * 128);
      cached += count;
    }
    answers.push_back(std::move(got));
  }
  EXPECT_EQ(answers[0].values, answers[1].values);
}

GATEHOUSE_FOR_ALL_BACKENDS(Attention);

}  // namespace
}  // namespace gatehouse

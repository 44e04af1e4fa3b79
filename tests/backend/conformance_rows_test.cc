// What works row by row, on every backend: copies by number, tables, positions, norms of heads.
#include <cmath>

#include "backend/conformance.h"

namespace gatehouse {
namespace {

using test::ExpectNear;
using test::Matrix;

class Rows : public test::Conformance {};

TEST_P(Rows, GoUpAndComeDown) {
  const Matrix values = Random(5, 7);
  const Mat all = Put(values);
  EXPECT_EQ(Get(all).values, values.values);
  const Matrix two = Get(all.Rows(2, 2));
  for (int64_t col = 0; col < 7; ++col) EXPECT_EQ(two.at(1, col), values.at(3, col));
  // The host's memory is its own again at once.
  std::vector<float> host(35, 1.0f);
  backend().Upload(host, all);
  host.assign(35, 2.0f);
  EXPECT_EQ(Get(all).values, std::vector<float>(35, 1.0f));
  backend().Upload(std::span<const float>(), all.Rows(0, 0));
}

TEST_P(Rows, AreCopiedByNumber) {
  const Matrix from = Random(6, 5), before = Random(8, 5);
  const std::vector<int32_t> sources = {5, 0, 0, 3}, targets = {1, 7, 2, 0};
  const auto expect = [&](const Mat& from_rows, const Mat& to_rows, int64_t count) {
    const Mat to = Put(before);
    backend().CopyRows(Put(from), from_rows, to, to_rows);
    Matrix want = before;
    for (int64_t i = 0; i < count; ++i) {
      const auto at = static_cast<size_t>(i);
      for (int64_t col = 0; col < 5; ++col)
        want.at(to_rows.buffer != nullptr ? targets[at] : i, col) =
            from.at(from_rows.buffer != nullptr ? sources[at] : i, col);
    }
    EXPECT_EQ(Get(to).values, want.values);
  };
  expect(Put(sources), Put(targets), 4);
  expect(Put(sources), {}, 4);
  expect({}, Put(targets), 4);
  expect({}, {}, 6);
}

TEST_P(Rows, ComeFromTables) {
  const Matrix table = Random(9, 24);
  const auto weight = Weight(table), small = Table(table);
  const Mat ids = Put(std::vector<int32_t>{8, 0, 3, 3});
  for (const DeviceWeight* from : {weight.get(), small.get()}) {
    const Mat out = Make(4, 24);
    backend().Embed(*from, ids, out);
    const Matrix got = Get(out);
    for (int64_t col = 0; col < 24; ++col) {
      EXPECT_EQ(got.at(0, col), table.at(8, col));
      EXPECT_EQ(got.at(3, col), table.at(3, col));
    }
  }
  const Matrix x = Random(4, 24);
  const Mat sum = Put(x);
  backend().AddRows(sum, *small, ids);
  const Matrix got = Get(sum);
  for (int64_t col = 0; col < 24; ++col) EXPECT_EQ(got.at(1, col), x.at(1, col) + table.at(0, col));
}

TEST_P(Rows, AreScaled) {
  const Matrix x = Random(11, 20), by = Random(11, 1);
  const Mat scaled = Put(x);
  backend().ScaleRows(scaled, Put(by));
  const Matrix got = Get(scaled);
  for (int64_t row = 0; row < 11; ++row) {
    for (int64_t col = 0; col < 20; ++col) EXPECT_EQ(got.at(row, col), x.at(row, col) * by.at(row, 0));
  }
}

TEST_P(Rows, RotateToTheirPositions) {
  for (const int head_dim : {2, 8, 22, 64}) {
    for (const bool interleaved : {true, false}) {
      const Matrix x = Random(7, 3 * head_dim);
      Matrix cos(40, head_dim / 2), sin(40, head_dim / 2);
      for (size_t i = 0; i < cos.values.size(); ++i) {
        cos.values[i] = std::cos(static_cast<float>(i));
        sin.values[i] = std::sin(static_cast<float>(i));
      }
      const std::vector<int32_t> positions = {39, 0, 5, 5, 17, 1, 38};
      Matrix want = x;
      for (int64_t row = 0; row < 7; ++row) {
        const int64_t at = positions[static_cast<size_t>(row)] * (head_dim / 2);
        for (int64_t head = 0; head < 3; ++head) {
          test::Rotate(
              std::span(want.values)
                  .subspan(static_cast<size_t>((row * 3 + head) * head_dim), static_cast<size_t>(head_dim)),
              cos.values.data() + at, sin.values.data() + at, interleaved);
        }
      }
      const Mat heads = Put(x);
      backend().Rope(heads, head_dim, Put(cos), Put(sin), Put(positions), interleaved);
      ExpectNear(Get(heads), want, 1e-6, std::to_string(head_dim));
      Matrix normed = Get(heads);
      for (int64_t i = 0; i < 21; ++i) {
        test::RmsNorm(std::span(normed.values)
                          .subspan(static_cast<size_t>(i * head_dim), static_cast<size_t>(head_dim)),
                      nullptr, 1e-5f);
      }
      backend().NormHeads(heads, head_dim, 1e-5f);
      ExpectNear(Get(heads), normed, 2e-6, "norm of " + std::to_string(head_dim));
    }
  }
}

TEST_P(Rows, OfLogitsAreReadWhereTheyAre) {
  const Matrix logits = Random(4, 1001, 9.0f);
  const std::vector<LogitQuestion> questions = {{2, {1000, 0, 7}, false}, {0, {}, true}, {2, {5}, false}};
  std::vector<NextToken> answers(3);
  backend().ReadLogits(Put(logits), questions, answers);
  for (size_t i = 0; i < 3; ++i) {
    double total = 0;
    int64_t best = 0;
    for (int64_t id = 0; id < 1001; ++id) {
      total += std::exp(static_cast<double>(logits.at(questions[i].row, id)));
      if (logits.at(questions[i].row, id) > logits.at(questions[i].row, best)) best = id;
    }
    EXPECT_NEAR(answers[i].log_total, std::log(total), 2e-6);
    EXPECT_EQ(answers[i].best, best);
  }
  EXPECT_EQ(answers[0].logits, (std::vector<float>{logits.at(2, 1000), logits.at(2, 0), logits.at(2, 7)}));
  ASSERT_EQ(answers[1].logits.size(), 1001u);
  EXPECT_EQ(answers[1].logits[1000], logits.at(0, 1000));
  EXPECT_EQ(answers[2].logits, std::vector<float>{logits.at(2, 5)});
}

TEST_P(Rows, APassWithinAPassIsItsOwn) {
  const Matrix x = Random(3, 4);
  const Mat outer = Put(x), copy = Make(3, 4);
  {
    PassScope inner(backend());
    backend().CopyRows(outer, {}, copy, {});
    EXPECT_TRUE(inner.End().ok());
  }
  EXPECT_EQ(Get(copy).values, x.values);
}

GATEHOUSE_FOR_ALL_BACKENDS(Rows);

}  // namespace
}  // namespace gatehouse

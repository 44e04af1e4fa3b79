// Rows of logits, read: the log of their total, the best token, and the logits that somebody asked for.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "backend/cpu_internal.h"

namespace gatehouse::cpu {
namespace {

// Four lanes: every processor that this is built for has them. A vocabulary has 200 000 tokens, and a request
// asks for the totals of several rows: one call of std::exp a token took longer than reading the head.
constexpr size_t kLanes = 4;
typedef float Vec __attribute__((vector_size(16)));
typedef int32_t IVec __attribute__((vector_size(16)));

// Vectors whose sums are added in float before they go into the double.
constexpr size_t kBlock = 64 * kLanes;

Vec Splat(float x) { return Vec{x, x, x, x}; }

// e^x for x <= 0, to 2e-7; below -87 it stays near the smallest normal number. ln 2 is taken off in two
// parts, the rest is Taylor's series on [-ln2/2, ln2/2].
Vec Exp(Vec x) {
  const IVec low = x < Splat(-87.0f);
  IVec bits;
  std::memcpy(&bits, &x, sizeof bits);
  const float floor = -87.0f;
  int32_t floor_bits;
  std::memcpy(&floor_bits, &floor, sizeof floor_bits);
  bits = (low & floor_bits) | (~low & bits);
  std::memcpy(&x, &bits, sizeof x);
  const Vec magic = Splat(12582912.0f);  // 1.5 * 2^23: adding it rounds to an integer
  const Vec n = (x * Splat(1.44269504f) + magic) - magic;
  const Vec r = (x - n * Splat(0.693359375f)) - n * Splat(-2.12194440e-4f);
  Vec p = Splat(1.0f / 5040.0f);
  for (const float term : {1.0f / 720.0f, 1.0f / 120.0f, 1.0f / 24.0f, 1.0f / 6.0f, 0.5f, 1.0f, 1.0f})
    p = p * r + Splat(term);
  const IVec exponent = (__builtin_convertvector(n, IVec) + 127) << 23;
  Vec power;
  std::memcpy(&power, &exponent, sizeof power);
  return p * power;
}

}  // namespace

double LogTotal(std::span<const float> logits) {
  float highest = -std::numeric_limits<float>::infinity();
  bool numbers = true;
  for (const float logit : logits) {
    highest = logit > highest ? logit : highest;
    numbers = numbers && !(logit != logit);
  }
  if (!numbers || !std::isfinite(highest)) return std::numeric_limits<double>::quiet_NaN();
  double total = 0.0;
  const size_t whole = logits.size() / kLanes * kLanes;
  for (size_t begin = 0; begin < whole; begin += kBlock) {
    Vec sum{};
    for (size_t i = begin; i < std::min(begin + kBlock, whole); i += kLanes) {
      Vec x;
      std::memcpy(&x, logits.data() + i, sizeof x);
      sum += Exp(x - Splat(highest));
    }
    total += static_cast<double>((sum[0] + sum[1]) + (sum[2] + sum[3]));
  }
  for (size_t i = whole; i < logits.size(); ++i)
    total += std::exp(static_cast<double>(logits[i]) - static_cast<double>(highest));
  return static_cast<double>(highest) + std::log(total);
}

void RunReadLogits(ThreadPool& pool, Mat logits, std::span<const LogitQuestion> questions,
                   std::span<NextToken> answers) {
  const int64_t vocab = logits.cols;
  // Memory first: the threads below take none.
  for (size_t i = 0; i < questions.size(); ++i)
    answers[i].logits.resize(questions[i].whole ? static_cast<size_t>(vocab) : questions[i].ids.size());
  pool.For(static_cast<int64_t>(questions.size()), [&](int64_t index, int) {
    const LogitQuestion& question = questions[static_cast<size_t>(index)];
    NextToken& answer = answers[static_cast<size_t>(index)];
    const std::span<const float> row(RowOf(logits, question.row), static_cast<size_t>(vocab));
    answer.log_total = LogTotal(row);
    answer.best = static_cast<int32_t>(std::max_element(row.begin(), row.end()) - row.begin());
    if (question.whole) {
      std::copy(row.begin(), row.end(), answer.logits.begin());
    } else {
      std::transform(question.ids.begin(), question.ids.end(), answer.logits.begin(),
                     [&](int32_t id) { return row[static_cast<size_t>(id)]; });
    }
  });
}

}  // namespace gatehouse::cpu

// The body of the vector kernels, written once with the compiler's vector types and compiled once for each
// instruction set. The including file defines VECTOR_FLOATS (lanes), VECTOR_NAME, VECTOR_QUERIES (query
// vectors that share a page while their sums stay in registers), where there are instructions for it
// VECTOR_FMA(a, b, c) = a * b + c rounded once, VECTOR_SUM(v) and VECTOR_MAX(v) over lanes, and includes this
// inside an unnamed namespace.

constexpr int kLanes = VECTOR_FLOATS;
typedef float Vec __attribute__((vector_size(VECTOR_FLOATS * 4)));
typedef int32_t IVec __attribute__((vector_size(VECTOR_FLOATS * 4)));

inline Vec Load(const float* at) {
  Vec v;
  __builtin_memcpy(&v, at, sizeof v);
  return v;
}
inline void Store(float* at, Vec v) { __builtin_memcpy(at, &v, sizeof v); }
inline Vec Splat(float x) { return x - Vec{}; }
inline Vec MulAdd(Vec sum, Vec a, Vec b) {
#if defined(VECTOR_FMA)
  return VECTOR_FMA(a, b, sum);
#else
  return a * b + sum;
#endif
}
inline Vec AsFloat(IVec v) {
  Vec out;
  __builtin_memcpy(&out, &v, sizeof out);
  return out;
}
inline Vec Select(IVec mask, Vec a, Vec b) {
  IVec ia, ib;
  __builtin_memcpy(&ia, &a, sizeof ia);
  __builtin_memcpy(&ib, &b, sizeof ib);
  return AsFloat((mask & ia) | (~mask & ib));
}

// Lanes added pairwise, in an order that depends on nothing but the width.
inline float SumLanes(Vec v) {
#if defined(VECTOR_SUM)
  return VECTOR_SUM(v);
#else
  float lanes[kLanes];
  Store(lanes, v);
  for (int width = kLanes / 2; width > 0; width /= 2) {
    for (int i = 0; i < width; ++i) lanes[i] += lanes[i + width];
  }
  return lanes[0];
#endif
}

inline float MaxLanes(Vec v) {
#if defined(VECTOR_MAX)
  return VECTOR_MAX(v);
#else
  float lanes[kLanes];
  Store(lanes, v);
  float best = lanes[0];
  for (int i = 1; i < kLanes; ++i) best = lanes[i] > best ? lanes[i] : best;
  return best;
#endif
}

// e^x for x <= 88, about 1 ulp; below -87 it stays near the smallest normal number. Cody-Waite reduction by
// ln 2 in two parts, then a polynomial on [-ln2/2, ln2/2] (Taylor terms to x^7: the next one is below 2^-25
// there).
inline Vec Exp(Vec x) {
  x = Select(x < Splat(-87.0f), Splat(-87.0f), x);
  x = Select(x > Splat(88.0f), Splat(88.0f), x);
  const Vec magic = Splat(12582912.0f);  // 1.5 * 2^23: adding it rounds to an integer
  const Vec n = MulAdd(magic, x, Splat(1.44269504f)) - magic;
  Vec r = MulAdd(x, n, Splat(-0.693359375f));
  r = MulAdd(r, n, Splat(2.12194440e-4f));
  Vec p = Splat(1.0f / 5040.0f);
  // An array: the functions of an initializer list are inline ones, which this file must not bring along.
  constexpr float kTerms[] = {1.0f / 720.0f, 1.0f / 120.0f, 1.0f / 24.0f, 1.0f / 6.0f, 0.5f, 1.0f, 1.0f};
  for (const float term : kTerms) p = MulAdd(Splat(term), p, r);
  const IVec exponent = (__builtin_convertvector(n, IVec) + 127) << 23;
  return p * AsFloat(exponent);
}

// Runs `body` on whole vectors of a row, and on a zero-padded copy of what is left.
template <typename Body>
inline void ForVectors(const float* x, int64_t n, float* y, Body body) {
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) Store(y + i, body(Load(x + i), i));
  if (i < n) {
    float in[kLanes] = {};
    __builtin_memcpy(in, x + i, static_cast<size_t>(n - i) * 4);
    float out[kLanes];
    Store(out, body(Load(in), i));
    __builtin_memcpy(y + i, out, static_cast<size_t>(n - i) * 4);
  }
}

// Loads lanes i.. of a row of n, zero behind its end.
inline Vec LoadPart(const float* x, int64_t i, int64_t n) {
  if (i + kLanes <= n) return Load(x + i);
  float part[kLanes] = {};
  __builtin_memcpy(part, x + i, static_cast<size_t>(n - i) * 4);
  return Load(part);
}

void RmsNorm(const float* x, const float* weight, int64_t n, float eps, float* y) {
  Vec squares{};
  for (int64_t i = 0; i < n; i += kLanes) {
    const Vec v = LoadPart(x, i, n);
    squares = MulAdd(squares, v, v);
  }
  const float scale = 1.0f / __builtin_sqrtf(SumLanes(squares) / static_cast<float>(n) + eps);
  if (weight == nullptr) {
    ForVectors(x, n, y, [&](Vec v, int64_t) { return v * scale; });
  } else {
    ForVectors(x, n, y, [&](Vec v, int64_t i) { return (v * scale) * LoadPart(weight, i, n); });
  }
}

void LayerNorm(const float* x, const float* weight, const float* bias, int64_t n, float eps, float* y) {
  Vec total{};
  for (int64_t i = 0; i < n; i += kLanes) total += LoadPart(x, i, n);
  const float mean = SumLanes(total) / static_cast<float>(n);
  Vec squares{};
  for (int64_t i = 0; i < n; i += kLanes) {
    Vec v = LoadPart(x, i, n) - mean;
    if (i + kLanes > n) {  // the padding is not part of the row
      for (int64_t lane = n - i; lane < kLanes; ++lane) v[lane] = 0.0f;
    }
    squares = MulAdd(squares, v, v);
  }
  const float scale = 1.0f / __builtin_sqrtf(SumLanes(squares) / static_cast<float>(n) + eps);
  ForVectors(x, n, y, [&](Vec v, int64_t i) {
    return MulAdd(LoadPart(bias, i, n), (v - mean) * scale, LoadPart(weight, i, n));
  });
}

void SwiGlu(const float* gate, const float* up, int64_t n, float* y) {
  ForVectors(gate, n, y, [&](Vec g, int64_t i) { return g / (1.0f + Exp(-g)) * LoadPart(up, i, n); });
}

// erf by formula 7.1.26 of Abramowitz and Stegun's Handbook of Mathematical Functions: |error| <= 1.5e-7.
void Gelu(float* x, int64_t n) {
  ForVectors(x, n, x, [](Vec v, int64_t) {
    const Vec z = v * Splat(0.70710678f);
    const Vec a = Select(z < Vec{}, -z, z);
    const Vec t = 1.0f / (1.0f + 0.3275911f * a);
    Vec p = Splat(1.061405429f);
    constexpr float kTerms[] = {-1.453152027f, 1.421413741f, -0.284496736f, 0.254829592f};
    for (const float term : kTerms) p = MulAdd(Splat(term), p, t);
    const Vec tail = p * t * Exp(-(a * a));  // 1 - erf(a)
    // For negative inputs 1 + erf(z) = tail: no cancellation.
    const Vec cdf = Select(z < Vec{}, tail, 2.0f - tail);
    return 0.5f * v * cdf;
  });
}

void Add(float* x, const float* y, int64_t n) {
  ForVectors(x, n, x, [&](Vec v, int64_t i) { return v + LoadPart(y, i, n); });
}

void Scale(const float* x, float factor, int64_t n, float* y) {
  ForVectors(x, n, y, [&](Vec v, int64_t) { return v * factor; });
}

struct Pair {
  Vec a, b;
};
inline Pair Rotated(Vec a, Vec b, const float* cos, const float* sin) {
  const Vec c = Load(cos), s = Load(sin);
  return {a * c - b * s, a * s + b * c};
}
inline void RotateScalars(float* a, float* b, float c, float s) {
  const float rotated = *a * c - *b * s;
  *b = *a * s + *b * c;
  *a = rotated;
}

template <size_t... lane>
inline void RotateNeighbours(float* x, const float* cos, const float* sin, int64_t half,
                             std::index_sequence<lane...>) {
  int64_t i = 0;
  for (; i + kLanes <= half; i += kLanes) {
    const Vec low = Load(x + 2 * i), high = Load(x + 2 * i + kLanes);
    const Vec a = __builtin_shufflevector(low, high, (2 * static_cast<int>(lane))...);
    const Vec b = __builtin_shufflevector(low, high, (2 * static_cast<int>(lane) + 1)...);
    const Pair out = Rotated(a, b, cos + i, sin + i);
    Store(x + 2 * i,
          __builtin_shufflevector(out.a, out.b,
                                  (static_cast<int>(lane / 2) + static_cast<int>(lane % 2) * kLanes)...));
    Store(x + 2 * i + kLanes, __builtin_shufflevector(out.a, out.b,
                                                      (kLanes / 2 + static_cast<int>(lane / 2) +
                                                       static_cast<int>(lane % 2) * kLanes)...));
  }
  for (; i < half; ++i) RotateScalars(x + 2 * i, x + 2 * i + 1, cos[i], sin[i]);
}

void Rotate(float* x, const float* cos, const float* sin, int64_t half, bool interleaved) {
  if (interleaved) return RotateNeighbours(x, cos, sin, half, std::make_index_sequence<kLanes>());
  int64_t i = 0;
  for (; i + kLanes <= half; i += kLanes) {
    const Pair out = Rotated(Load(x + i), Load(x + half + i), cos + i, sin + i);
    Store(x + i, out.a);
    Store(x + half + i, out.b);
  }
  for (; i < half; ++i) RotateScalars(x + i, x + half + i, cos[i], sin[i]);
}

constexpr int kPageVecs = kPageTokens / kLanes;
constexpr int kQueriesAtOnce = VECTOR_QUERIES;

// scores[r][j] = q[r] . k[j] for `rows` queries and the page's 32 keys.
template <int rows>
inline void Scores(const AttentionPage& page, int first, Vec (&scores)[kQueriesAtOnce][kPageVecs]) {
  Vec acc[rows][kPageVecs] = {};
  const float* q = page.q + static_cast<int64_t>(first) * page.head_dim;
  for (int d = 0; d < page.head_dim; ++d) {
    const float* keys = page.k + static_cast<int64_t>(d) * kPageTokens;
    for (int r = 0; r < rows; ++r) {
      const float value = q[static_cast<int64_t>(r) * page.head_dim + d];
      for (int c = 0; c < kPageVecs; ++c)
        acc[r][c] = MulAdd(acc[r][c], Splat(value), Load(keys + c * kLanes));
    }
  }
  for (int r = 0; r < rows; ++r) {
    for (int c = 0; c < kPageVecs; ++c) scores[r][c] = acc[r][c];
  }
}

// out[r] = out[r] * keep[r] + sum_j weights[r][j] v[j], `vecs` vectors of the head from d on.
template <int rows, int vecs>
inline void WeighValuesAt(const AttentionPage& page, int first, int d,
                          const float (&weights)[kQueriesAtOnce][kPageTokens],
                          const float (&keep)[kQueriesAtOnce]) {
  const int stride = ValueStride(page.head_dim);
  float* out = page.out + static_cast<int64_t>(first) * stride + d;
  Vec acc[rows][vecs] = {};
  for (int j = 0; j < kPageTokens; ++j) {
    const float* values = page.v + static_cast<int64_t>(j) * stride + d;
    for (int r = 0; r < rows; ++r) {
      for (int c = 0; c < vecs; ++c)
        acc[r][c] = MulAdd(acc[r][c], Splat(weights[r][j]), Load(values + c * kLanes));
    }
  }
  for (int r = 0; r < rows; ++r) {
    for (int c = 0; c < vecs; ++c) {
      float* at = out + static_cast<int64_t>(r) * stride + c * kLanes;
      Store(at, MulAdd(acc[r][c], Load(at), Splat(keep[r])));
    }
  }
}

template <int rows>
inline void WeighValues(const AttentionPage& page, int first,
                        const float (&weights)[kQueriesAtOnce][kPageTokens],
                        const float (&keep)[kQueriesAtOnce]) {
  constexpr int kWhole = kPageVecs * kLanes;
  constexpr int kHalf = kWhole / 2;  // strides are multiples of 16
  const int stride = ValueStride(page.head_dim);
  int d = 0;
  for (; d + kWhole <= stride; d += kWhole) WeighValuesAt<rows, kPageVecs>(page, first, d, weights, keep);
  if (d + kHalf <= stride) WeighValuesAt<rows, kPageVecs / 2>(page, first, d, weights, keep);
}

inline IVec LaneBits(int vec) {
  IVec bits{};
  for (int lane = 0; lane < kLanes; ++lane) bits[lane] = static_cast<int32_t>(1u << (vec * kLanes + lane));
  return bits;
}

template <int rows>
inline void AttendRows(const AttentionPage& page, int first) {
  uint32_t seen = 0;
  for (int r = 0; r < rows; ++r) seen |= page.mask[first + r];
  if (seen == 0) return;
  Vec scores[kQueriesAtOnce][kPageVecs];
  Scores<rows>(page, first, scores);
  alignas(64) float weights[kQueriesAtOnce][kPageTokens];
  float keep[kQueriesAtOnce];
  for (int r = 0; r < rows; ++r) {
    const int query = first + r;
    const int32_t mask = static_cast<int32_t>(page.mask[query]);
    if (mask == 0) {  // nothing visible: the running state stays as it is, bit for bit
      keep[r] = 1.0f;
      for (int j = 0; j < kPageTokens; ++j) weights[r][j] = 0.0f;
      continue;
    }
    const Vec lowest = Splat(-__builtin_inff());
    Vec highest = lowest;
    IVec visible[kPageVecs];
    for (int c = 0; c < kPageVecs; ++c) {
      visible[c] = (LaneBits(c) & mask) != 0;
      scores[r][c] = Select(visible[c], scores[r][c], lowest);
      highest = Select(scores[r][c] > highest, scores[r][c], highest);
    }
    const float page_max = MaxLanes(highest);
    const float old_max = page.max[query];
    const float new_max = page_max > old_max ? page_max : old_max;
    Vec total{};
    for (int c = 0; c < kPageVecs; ++c) {
      const Vec weight = Select(visible[c], Exp(scores[r][c] - new_max), Vec{});
      total += weight;
      Store(weights[r] + c * kLanes, weight);
    }
    keep[r] = old_max == -__builtin_inff() ? 0.0f : Exp(Splat(old_max - new_max))[0];
    page.max[query] = new_max;
    page.sum[query] = page.sum[query] * keep[r] + SumLanes(total);
  }
  WeighValues<rows>(page, first, weights, keep);
}

template <int rows>
inline void AttendSome(const AttentionPage& page, int first, int count) {
  if (count == rows) {
    AttendRows<rows>(page, first);
  } else if constexpr (rows > 1) {
    AttendSome<rows - 1>(page, first, count);
  }
}

void Attend(const AttentionPage& page) {
  for (int first = 0; first < page.queries; first += kQueriesAtOnce) {
    const int left = page.queries - first;
    AttendSome<kQueriesAtOnce>(page, first, left < kQueriesAtOnce ? left : kQueriesAtOnce);
  }
}

void WidenBf16(const uint16_t* x, int64_t n, float* y) {
  for (int64_t i = 0; i < n; ++i) {
    const uint32_t bits = static_cast<uint32_t>(x[i]) << 16;
    __builtin_memcpy(y + i, &bits, 4);
  }
}

// Nearest even; a NaN stays one.
void RoundBf16(const float* x, int64_t n, uint16_t* y) {
  for (int64_t i = 0; i < n; ++i) {
    uint32_t bits;
    __builtin_memcpy(&bits, x + i, 4);
    const uint32_t rounded = (bits + 0x7FFFu + ((bits >> 16) & 1u)) >> 16;
    const uint32_t quiet = (bits >> 16) | 0x40u;
    y[i] = static_cast<uint16_t>((bits & 0x7FFFFFFFu) > 0x7F800000u ? quiet : rounded);
  }
}

float RoundI8(const float* x, int64_t n, int8_t* y) {
  float largest = 0.0f, none = 0.0f;
  for (int64_t i = 0; i < n; ++i) {
    const float magnitude = x[i] < 0.0f ? -x[i] : x[i];
    largest = magnitude > largest ? magnitude : largest;
    none += x[i] * 0.0f;  // 0, or not a number
  }
  const float scale = largest / 127.0f + none;
  // Of numbers so small that the scale's inverse is infinite nothing is left.
  const float inverse = largest > 1e-36f ? 127.0f / largest : 0.0f;
  constexpr float kMagic = 12582912.0f;  // 1.5 * 2^23: adding it rounds to an integer
  for (int64_t i = 0; i < n; ++i) {
    const float rounded = (x[i] * inverse + kMagic) - kMagic;
    // A value that is no number must not be converted; the scale says what it was.
    y[i] = rounded >= -127.0f && rounded <= 127.0f ? static_cast<int8_t>(rounded) : int8_t{0};
  }
  return scale;
}

// Plain loops: the compiler widens bytes better than what __builtin_convertvector makes of them.
void WidenKeysI8(const int8_t* __restrict x, const float* __restrict scales, int64_t head_dim,
                 float* __restrict y) {
  for (int64_t d = 0; d < head_dim; ++d) {
    for (int64_t j = 0; j < kPageTokens; ++j)
      y[d * kPageTokens + j] = static_cast<float>(x[d * kPageTokens + j]) * scales[j];
  }
}

void WidenValuesI8(const int8_t* __restrict x, const float* __restrict scales, int64_t stride,
                   float* __restrict y) {
  for (int64_t j = 0; j < kPageTokens; ++j) {
    const float scale = scales[j];
    for (int64_t d = 0; d < stride; d += 16) {
      for (int64_t i = 0; i < 16; ++i)
        y[j * stride + d + i] = static_cast<float>(x[j * stride + d + i]) * scale;
    }
  }
}

// One stage inside of vectors: lanes `stride` apart become their sum and their difference.
template <int stride, size_t... lane>
inline Vec Butterfly(Vec x, std::index_sequence<lane...>) {
  const Vec partner = __builtin_shufflevector(x, x, (static_cast<int>(lane) ^ stride)...);
  const Vec sign = {((lane & stride) != 0 ? -1.0f : 1.0f)...};
  return MulAdd(partner, x, sign);
}
template <int stride>
inline Vec ButterfliesFrom(Vec x) {
  if constexpr (stride < kLanes) {
    return ButterfliesFrom<2 * stride>(Butterfly<stride>(x, std::make_index_sequence<kLanes>()));
  } else {
    return x;
  }
}

template <int64_t size>
inline void HadamardBlock(float* x) {
  constexpr int64_t kVecs = size / kLanes;
  Vec v[kVecs];
  for (int64_t i = 0; i < kVecs; ++i) v[i] = ButterfliesFrom<1>(Load(x + i * kLanes));
  for (int64_t stride = 1; stride < kVecs; stride *= 2) {
    for (int64_t i = 0; i < kVecs; ++i) {
      if ((i & stride) != 0) continue;
      const Vec a = v[i], b = v[i + stride];
      v[i] = a + b;
      v[i + stride] = a - b;
    }
  }
  for (int64_t i = 0; i < kVecs; ++i) Store(x + i * kLanes, v[i]);
}

void Hadamard(float* x, int64_t n) {
  while (n > 0) {
    const int64_t size = HadamardSize(n);
    if (size == 128) {
      HadamardBlock<128>(x);
    } else if (size == 64) {
      HadamardBlock<64>(x);
    } else if (size == 32) {
      HadamardBlock<32>(x);
    } else {
      for (int64_t stride = 1; stride < size; stride *= 2) {
        for (int64_t i = 0; i < size; ++i) {
          if ((i & stride) != 0) continue;
          const float a = x[i], b = x[i + stride];
          x[i] = a + b;
          x[i + stride] = a - b;
        }
      }
    }
    x += size;
    n -= size;
  }
}

constexpr VectorKernel kTable = {VECTOR_NAME, RmsNorm,     LayerNorm,     SwiGlu,   Gelu,      Add,
                                 Scale,       Rotate,      Attend,        Hadamard, WidenBf16, RoundBf16,
                                 RoundI8,     WidenKeysI8, WidenValuesI8, nullptr};

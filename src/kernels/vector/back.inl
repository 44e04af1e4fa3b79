// The way back, with the vectors of body.inl; included after it, in the same unnamed namespace.

inline bool IsWhole(int64_t i, int64_t n) { return i + kLanes <= n; }

// Stores lanes i.. of a row of n.
inline void StorePart(float* x, int64_t i, int64_t n, Vec v) {
  if (IsWhole(i, n)) return Store(x + i, v);
  float part[kLanes];
  Store(part, v);
  __builtin_memcpy(x + i, part, static_cast<size_t>(n - i) * 4);
}

float Largest(const float* x, int64_t n) {
  Vec best = Splat(x[0]);
  int64_t i = 0;
  for (; IsWhole(i, n); i += kLanes) {
    const Vec v = Load(x + i);
    best = Select(v > best, v, best);
  }
  float out = MaxLanes(best);
  for (; i < n; ++i) out = x[i] > out ? x[i] : out;
  return out;
}

float Exponentials(float* x, int64_t n, float scale, float shift) {
  Vec total{};
  for (int64_t i = 0; i < n; i += kLanes) {
    Vec v = LoadPart(x, i, n);
    if (!IsWhole(i, n)) {  // the padding is not part of the row
      for (int64_t lane = n - i; lane < kLanes; ++lane) v[lane] = -__builtin_inff();
    }
    v = (v - shift) * scale;
    v = Select(v < Splat(-87.0f), Vec{}, Exp(v));
    total += v;
    StorePart(x, i, n, v);
  }
  return SumLanes(total);
}

void SoftmaxBack(const float* y, int64_t n, float scale, float* dy) {
  Vec along{};
  for (int64_t i = 0; i < n; i += kLanes) along = MulAdd(along, LoadPart(y, i, n), LoadPart(dy, i, n));
  const float mean = SumLanes(along);
  ForVectors(dy, n, dy, [&](Vec d, int64_t i) { return LoadPart(y, i, n) * scale * (d - mean); });
}

void SwiGluBack(const float* dy, int64_t n, float* gate, float* up) {
  for (int64_t i = 0; i < n; i += kLanes) {
    const Vec g = LoadPart(gate, i, n), u = LoadPart(up, i, n), d = LoadPart(dy, i, n);
    const Vec sigmoid = 1.0f / (1.0f + Exp(-g));
    const Vec silu = g * sigmoid;
    StorePart(gate, i, n, d * u * (sigmoid + silu * (1.0f - sigmoid)));
    StorePart(up, i, n, d * silu);
  }
}

// y_i = r x_i w_i with r = 1 / sqrt(mean(x^2) + eps), and dr/dx_i = -r^3 x_i / n.
void RmsNormBack(const float* x, const float* weight, int64_t n, float eps, const float* dy, bool adds,
                 float* dx) {
  const auto weighed = [&](int64_t i) {
    const Vec d = LoadPart(dy, i, n);
    return weight == nullptr ? d : d * LoadPart(weight, i, n);
  };
  Vec squares{}, along{};
  for (int64_t i = 0; i < n; i += kLanes) {
    const Vec v = LoadPart(x, i, n);
    squares = MulAdd(squares, v, v);
    along = MulAdd(along, weighed(i), v);
  }
  const auto count = static_cast<float>(n);
  const float r = 1.0f / __builtin_sqrtf(SumLanes(squares) / count + eps);
  const float back = r * r * r * SumLanes(along) / count;
  for (int64_t i = 0; i < n; i += kLanes) {
    const Vec gradient = r * weighed(i) - back * LoadPart(x, i, n);
    StorePart(dx, i, n, adds ? LoadPart(dx, i, n) + gradient : gradient);
  }
}

constexpr BackKernel kBackTable = {VECTOR_NAME, Largest, Exponentials, SoftmaxBack, SwiGluBack, RmsNormBack};

// Backend: what a forward pass asks of a device. The model is written against this alone, so that a second
// device is a second implementation. All matrices are float32, row-major, in device memory; nothing here is a
// host pointer except where a parameter says "host".
//
// Bitwise promise: a row's result depends on that row (and on the keys it may see), never on the other rows
// of a call.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "backend/weight_view.h"
#include "gatehouse/result.h"
#include "tensor/next_token.h"
#include "tensor/page.h"

namespace gatehouse {

class DeviceBuffer {
 public:
  virtual ~DeviceBuffer() = default;
};

// A row-major [rows, cols] piece of a device buffer.
struct Mat {
  DeviceBuffer* buffer = nullptr;
  int64_t offset = 0;  // elements
  int64_t rows = 0;
  int64_t cols = 0;

  Mat Rows(int64_t first, int64_t count) const { return {buffer, offset + first * cols, count, cols}; }
};

// A weight on the device.
class DeviceWeight {
 public:
  virtual ~DeviceWeight() = default;
  int64_t rows = 0;
  int64_t cols = 0;
};

// Keys and values of all layers, in pages of kPageTokens slots. Who uses which page is the engine's business.
class KvCache {
 public:
  virtual ~KvCache() = default;
  virtual int64_t BytesPerPage() const = 0;
  // Makes pages 0 .. count-1 usable. Memory grows only.
  virtual Result<void> Reserve(int32_t count) = 0;
  virtual void CopyPage(int32_t from, int32_t to) = 0;
};

struct KvShape {
  int layers = 0;
  int kv_heads = 0;
  int head_dim = 0;
  bool exact = false;  // never rounded to 8 bits, whatever the backend's option says
};

// Where each row of a batch stands, and which keys it sees. A sequence's slot s lies in page pages[s /
// kPageTokens].
struct AttentionLayout {
  struct Row {
    int32_t sequence = 0;
    int32_t slot = 0;           // where this row's own key and value go
    int32_t end = 0;            // sees slots begin .. end-1 ...
    int32_t begin = 0;          // (full attention)
    int32_t begin_chunked = 0;  // (layers with chunked attention)
    int32_t extra_first = 0;    // ... and these of extra_slots: ancestors in a tree
    int32_t extra_count = 0;
  };
  std::vector<Row> rows;  // rows of one sequence follow each other
  std::vector<int32_t> extra_slots;
  std::vector<int32_t> extra_positions;     // of the tokens in extra_slots
  std::vector<std::vector<int32_t>> pages;  // [sequence]
};

// The input of a product: a matrix, or a row-wise function of one, which then never goes to memory in full
// precision. A Mat converts to an input by itself.
struct LinearInput {
  enum class Kind { kPlain, kRmsNorm, kLayerNorm, kSwiGlu, kGelu };

  LinearInput(Mat x_in) : x(x_in) {}  // NOLINT(google-explicit-constructor)
  // weight null: all ones.
  static LinearInput RmsNorm(Mat x, const DeviceWeight* weight, float eps) {
    return {Kind::kRmsNorm, x, {}, weight, nullptr, eps};
  }
  static LinearInput LayerNorm(Mat x, const DeviceWeight& weight, const DeviceWeight& bias, float eps) {
    return {Kind::kLayerNorm, x, {}, &weight, &bias, eps};
  }
  // silu(gate) * up
  static LinearInput SwiGlu(Mat gate, Mat up) { return {Kind::kSwiGlu, gate, up, nullptr, nullptr, 0.0f}; }
  static LinearInput Gelu(Mat x) { return {Kind::kGelu, x, {}, nullptr, nullptr, 0.0f}; }

  int64_t rows() const { return x.rows; }
  int64_t cols() const { return x.cols; }

  Kind kind = Kind::kPlain;
  Mat x;   // [rows, cols]
  Mat up;  // [rows, cols], of kSwiGlu
  const DeviceWeight* weight = nullptr;
  const DeviceWeight* bias = nullptr;
  float eps = 0.0f;

 private:
  LinearInput(Kind kind_in, Mat x_in, Mat up_in, const DeviceWeight* weight_in, const DeviceWeight* bias_in,
              float eps_in)
      : kind(kind_in), x(x_in), up(up_in), weight(weight_in), bias(bias_in), eps(eps_in) {}
};

// What is wanted of one row of logits. The ids lie within the vocabulary.
struct LogitQuestion {
  int32_t row = 0;
  std::vector<int32_t> ids;
  bool whole = false;  // all of them
};

class Backend {
 public:
  virtual ~Backend() = default;

  // For --version, logs and metrics: "cpu avx512-bf16/bf16, 2 threads".
  virtual std::string Describe() const = 0;
  virtual bool ComputesInBf16() const = 0;
  // Operations a second (two for a multiply-add) of a register-only loop of the products' instruction on all
  // threads: what a benchmark sets its figures against. Takes about a tenth of a second.
  // format: of the products with weights rounded so; none: of the others.
  virtual double MeasurePeak(std::optional<QuantFormat> format = {}) = 0;

  virtual std::unique_ptr<DeviceBuffer> Allocate(int64_t elements) = 0;
  virtual void Upload(const float* host, Mat to) = 0;
  virtual void Download(Mat from, float* host) = 0;

  virtual Result<std::unique_ptr<DeviceWeight>> LoadWeight(WeightView view) = 0;
  // One row of `cols` values, widened to float32 at once (norm weights, biases).
  virtual Result<std::unique_ptr<DeviceWeight>> LoadVector(const WeightView& view) = 0;
  virtual std::unique_ptr<KvCache> CreateKvCache(const KvShape& shape) = 0;

  // outs[i] = x W_i^T + b_i. Weights that share an input go in one call: it is computed and rounded once, a
  // row while it is in the cache.
  struct LinearTerm {
    const DeviceWeight* weight;
    const DeviceWeight* bias;  // may be null
    Mat out;                   // [x.rows(), weight rows]
    bool adds = false;         // out += instead of out =
  };
  virtual void Linear(const LinearInput& x, std::initializer_list<LinearTerm> terms) = 0;

  // out[i] = table[ids[i]]; ids are host.
  virtual void Embed(const DeviceWeight& table, std::span<const int32_t> ids, Mat out) = 0;
  virtual void GatherRows(Mat from, std::span<const int32_t> rows, Mat out) = 0;   // out[i] = from[rows[i]]
  virtual void ScatterRows(Mat from, std::span<const int32_t> rows, Mat out) = 0;  // out[rows[i]] = from[i]
  virtual void ScatterAddRows(Mat from, std::span<const int32_t> rows,
                              Mat out) = 0;                                      // out[rows[i]] += from[i]
  virtual void ScaleRows(Mat x, std::span<const float> scales) = 0;              // host scales, one a row
  virtual void AddRowBias(Mat x, Mat table, std::span<const int32_t> rows) = 0;  // x[i] += table[rows[i]]

  // out [x.rows(), x.cols()] = the input itself; out may be the matrix it is a function of.
  virtual void Compute(const LinearInput& x, Mat out) = 0;

  // Rotates every head of x [rows, heads * head_dim] by cos/sin [rows, head_dim / 2]. `interleaved`: pairs
  // (2i, 2i+1), else (i, i + head_dim/2).
  virtual void Rope(Mat x, int head_dim, Mat cos, Mat sin, bool interleaved) = 0;
  // Weightless RMS norm of every head.
  virtual void NormHeads(Mat x, int head_dim, float eps) = 0;

  // Writes row i's key and value to its slot of one layer. k, v [rows, kv_heads * head_dim].
  virtual void WriteKv(KvCache& cache, int layer, const AttentionLayout& layout, Mat k, Mat v) = 0;
  // out [rows, heads * head_dim] = softmax(scale q k^T) v over the visible slots.
  virtual void Attention(const KvCache& cache, int layer, const AttentionLayout& layout, Mat q, float scale,
                         bool chunked, Mat out) = 0;

  // answers[i]: what questions[i] wants of logits [rows, vocab]. Several questions may ask for one row.
  virtual void ReadLogits(Mat logits, std::span<const LogitQuestion> questions,
                          std::span<NextToken> answers) = 0;
};

}  // namespace gatehouse

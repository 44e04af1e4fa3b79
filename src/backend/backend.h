// Backend: what a forward pass asks of a device. The model is written against this alone, so that a second
// device is a second implementation (CreateBackend chooses one). All matrices lie in device memory; nothing
// here is a host pointer except where a parameter is a span or says "host".
//
//   const PassScope pass(*backend);
//   backend->Linear(LinearInput::RmsNorm(x, norm, eps), {{weight, nullptr, y}});
//   GATEHOUSE_TRY(pass.End());
//
// Passes and errors. Operations belong to a pass. They may be enqueued, so they return nothing: the first
// failure of a pass (no memory, a launch that a device reports late) is kept, what follows it may do nothing,
// and EndPass waits for all and returns it. Afterwards the backend is as before. Passes nest: a short one may
// run whole between two operations of a long one, and the inner one's failure is not the outer one's, unless
// the device cannot tell.
//
// Threads. One thread at a time is between BeginPass and EndPass of the outermost pass, and calls operations
// and KvCache; debug builds check it. LoadWeight, LoadTable, Allocate, CreateKvCache, CreateLayout and the
// destructors of what they return may be called by any thread at any time, and so may the const functions.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "backend/key_values.h"
#include "backend/linear_input.h"
#include "backend/matrix.h"
#include "backend/weight_view.h"
#include "gatehouse/result.h"
#include "tensor/next_token.h"

namespace gatehouse {

// What a device likes; those who plan passes ask. None of it changes what comes out.
struct PassLimits {
  int32_t max_rows = 512;  // of one pass: more make no product faster
  // Most rows of a long text in one pass: as many as make the products fast, so few that others get in
  // between where a pass cannot be stopped.
  int32_t long_chunk = 256;
  int32_t max_read_rows = 64;  // whose logits are computed together
  int max_tiles = 1;           // of pictures, encoded together
  // Attention over a key costs as much as this many multiply-adds of products for each of its own.
  double attention_factor = 1;
  // Operations are enqueued, so that a pass cannot be stopped between layers without a wait: passes are then
  // never stopped, and the chunks of long texts and short requests share them.
  bool runs_ahead = false;
};

// One SwiGLU network of several: gate and up [ffn, hidden], down [hidden, ffn].
struct ExpertWeights {
  const DeviceWeight* gate;
  const DeviceWeight* up;
  const DeviceWeight* down;
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
  // Whether a row's result depends on that row (and the keys it may see) alone, to the bit: never on the
  // other rows of a call, nor on how a text was cut into passes. The CPU promises it; a device whose products
  // choose their tiles by size does not. Tests that compare bits ask.
  virtual bool ExactInCompany() const = 0;
  virtual PassLimits Limits() const = 0;
  // What matrices between two operations should hold; the hidden state that layers add to, router scores and
  // logits are float32 always.
  virtual DType ActivationType() const = 0;
  // Bytes that operations hold beside the buffers of others, at present.
  virtual int64_t ScratchBytes() const = 0;
  // Operations a second (two for a multiply-add) of a register-only loop of the products' instruction on all
  // threads: what a benchmark sets its figures against. Takes about a tenth of a second.
  // format: of the products with weights rounded so; none: of the others.
  virtual double MeasurePeak(std::optional<QuantFormat> format = {}) = 0;

  virtual Result<std::unique_ptr<DeviceBuffer>> Allocate(int64_t elements, DType type = DType::kF32) = 0;
  virtual Result<std::unique_ptr<DeviceWeight>> LoadWeight(WeightView view) = 0;
  // A small matrix, or a vector as one row, widened to float32 at once (norms, biases, positions).
  virtual Result<std::unique_ptr<DeviceWeight>> LoadTable(const WeightView& view) = 0;
  virtual std::unique_ptr<KvCache> CreateKvCache(const KvShape& shape) = 0;
  virtual std::unique_ptr<DeviceLayout> CreateLayout() = 0;

  // See above; better by PassScope.
  virtual void BeginPass() = 0;
  virtual Result<void> EndPass() = 0;

  // The host's memory may change as soon as the call returns. Values are rounded where `to` holds a shorter
  // float.
  virtual void Upload(std::span<const float> host, Mat to) = 0;
  virtual void Upload(std::span<const int32_t> host, Mat to) = 0;
  // Waits for what was enqueued. host [from.rows * from.cols] holds the values once EndPass reports no error.
  virtual void Download(Mat from, float* host) = 0;
  // What the layout says stays in `to` until it is prepared again.
  virtual void Prepare(const AttentionLayout& layout, DeviceLayout& to) = 0;

  // outs[i] = x W_i^T + b_i. Weights that share an input go in one call: it is computed and rounded once, a
  // row while it is in the cache.
  struct LinearTerm {
    const DeviceWeight* weight;
    const DeviceWeight* bias;  // may be null
    Mat out;                   // [x.rows(), weight rows]
    bool adds = false;         // out += instead of out =
  };
  virtual void Linear(const LinearInput& x, std::initializer_list<LinearTerm> terms) = 0;
  // Each row goes to the `per_token` experts of its highest scores (the first of equal ones), multiplied by
  // the sigmoid of the score on its way in; what comes out is added to its row of out, in the experts' order.
  // scores [rows, experts] are used up; x and out [rows, hidden] are not the same.
  virtual void Experts(Mat scores, int per_token, Mat x, std::span<const ExpertWeights> experts, Mat out) = 0;

  // Rows are named by int32 matrices [n, 1]; `Mat{}` stands for 0, 1, 2 ...
  virtual void Embed(const DeviceWeight& table, Mat ids, Mat out) = 0;  // out[i] = table[ids[i]]
  // to[to_rows[i]] = from[from_rows[i]], as many as there are rows named, or rows of `from`.
  virtual void CopyRows(Mat from, Mat from_rows, Mat to, Mat to_rows) = 0;
  virtual void AddRows(Mat x, const DeviceWeight& table, Mat rows) = 0;  // x[i] += table[rows[i]]
  virtual void ScaleRows(Mat x, Mat scales) = 0;                         // scales [x.rows, 1]

  // out [x.rows(), x.cols()] = the input itself; out may be the matrix it is a function of.
  virtual void Compute(const LinearInput& x, Mat out) = 0;

  // Rotates every head of x [rows, heads * head_dim] by the angles of the row's position: row positions[i] of
  // cos and sin [any, head_dim / 2]. `interleaved`: pairs (2i, 2i+1), else (i, i + head_dim/2).
  virtual void Rope(Mat x, int head_dim, Mat cos, Mat sin, Mat positions, bool interleaved) = 0;
  // Weightless RMS norm of every head.
  virtual void NormHeads(Mat x, int head_dim, float eps) = 0;

  // Writes row i's key and value to its slot of one layer. k, v [rows, kv_heads * head_dim].
  virtual void WriteKv(KvCache& cache, int layer, const DeviceLayout& layout, Mat k, Mat v) = 0;
  // out [rows, heads * head_dim] = softmax(scale q k^T) v over the visible slots.
  virtual void Attention(const KvCache& cache, int layer, const DeviceLayout& layout, Mat q, float scale,
                         bool chunked, Mat out) = 0;

  // answers[i]: what questions[i] wants of logits [rows, vocab]; several questions may ask for one row.
  // Waits, as Download does.
  virtual void ReadLogits(Mat logits, std::span<const LogitQuestion> questions,
                          std::span<NextToken> answers) = 0;
};

// A pass, ended by End or, when something else went wrong first, by the destructor.
class PassScope {
 public:
  explicit PassScope(Backend& backend) : backend_(backend) { backend_.BeginPass(); }
  ~PassScope() {
    if (open_) (void)backend_.EndPass();
  }
  PassScope(const PassScope&) = delete;
  PassScope& operator=(const PassScope&) = delete;
  Result<void> End() {
    open_ = false;
    return backend_.EndPass();
  }

 private:
  Backend& backend_;
  bool open_ = true;
};

}  // namespace gatehouse

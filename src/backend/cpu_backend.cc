#include "backend/cpu_backend.h"

#include <algorithm>
#include <cstring>

#include "backend/cpu_internal.h"
#include "base/cpu.h"
#include "base/error.h"
#include "kernels/measure.h"
#include "kernels/tables.h"

namespace gatehouse {
namespace cpu {
namespace {

// Rows that one thread takes at once in element-wise work.
constexpr int64_t kRowBlock = 8;

class CpuBackend : public Backend {
 public:
  CpuBackend(const LinearKernel* linear, const VectorKernel* vector, const QuantKernel* q8,
             const QuantKernel* q4, const CpuBackendOptions& options, int threads)
      : linear_(linear),
        vector_(vector),
        quant_{q8, q4},
        pool_(threads),
        scratch_(static_cast<size_t>(threads)),
        exact_kv_type_(options.f32                       ? KvType::kF32
                       : vector->attend_pairs != nullptr ? KvType::kBF16Pairs
                                                         : KvType::kBF16),
        kv_type_(options.kv_int8 ? KvType::kI8 : exact_kv_type_) {}

  std::string Describe() const override {
    const std::string quant =
        quant_[0] == nullptr ? "" : std::string(" ") + quant_[0]->name + " " + quant_[1]->name;
    return std::string("cpu, products ") + linear_->name + quant + ", vectors " + vector_->name + ", " +
           std::to_string(pool_.threads()) + (pool_.threads() == 1 ? " thread" : " threads");
  }
  bool ComputesInBf16() const override { return linear_->compute == ComputeType::kBF16; }

  double MeasurePeak(std::optional<QuantFormat> format) override {
    const auto loop =
        format && quant_[0] != nullptr ? quant_[static_cast<size_t>(*format)]->peak_loop : linear_->peak_loop;
    return PeakRate(pool_, loop, 0.1).wall;
  }

  std::unique_ptr<DeviceBuffer> Allocate(int64_t elements) override {
    return std::make_unique<Buffer>(elements);
  }
  void Upload(const float* host, Mat to) override { std::memcpy(Data(to), host, Bytes(to)); }
  void Download(Mat from, float* host) override { std::memcpy(host, Data(from), Bytes(from)); }

  Result<std::unique_ptr<DeviceWeight>> LoadWeight(WeightView view) override {
    auto weight = std::make_unique<Weight>();
    weight->rows = view.rows;
    weight->cols = view.cols;
    weight->view = std::move(view);
    return std::unique_ptr<DeviceWeight>(std::move(weight));
  }

  Result<std::unique_ptr<DeviceWeight>> LoadVector(const WeightView& view) override {
    auto weight = std::make_unique<Weight>();
    weight->rows = 1;
    weight->cols = view.rows * view.cols;
    weight->vector.resize(static_cast<size_t>(weight->cols));
    view.ReadRows(0, view.rows, weight->vector.data());
    return std::unique_ptr<DeviceWeight>(std::move(weight));
  }

  std::unique_ptr<KvCache> CreateKvCache(const KvShape& shape) override {
    return std::make_unique<PagedKv>(shape, shape.exact ? exact_kv_type_ : kv_type_);
  }

  void Linear(const LinearInput& x, std::initializer_list<LinearTerm> terms) override {
    RunLinear({linear_, vector_, {quant_[0], quant_[1]}, &pool_, &scratch_, &rounded_, rounded8_}, x, terms);
  }

  void Embed(const DeviceWeight& table, std::span<const int32_t> ids, Mat out) override {
    const WeightView& view = static_cast<const Weight&>(table).view;
    pool_.For(static_cast<int64_t>(ids.size()),
              [&](int64_t i, int) { view.ReadRows(ids[static_cast<size_t>(i)], 1, RowOf(out, i)); });
  }

  void GatherRows(Mat from, std::span<const int32_t> rows, Mat out) override {
    for (size_t i = 0; i < rows.size(); ++i) CopyRow(from, rows[i], out, static_cast<int64_t>(i));
  }
  void ScatterRows(Mat from, std::span<const int32_t> rows, Mat out) override {
    for (size_t i = 0; i < rows.size(); ++i) CopyRow(from, static_cast<int64_t>(i), out, rows[i]);
  }
  void ScatterAddRows(Mat from, std::span<const int32_t> rows, Mat out) override {
    for (size_t i = 0; i < rows.size(); ++i)
      vector_->add(RowOf(out, rows[i]), RowOf(from, static_cast<int64_t>(i)), out.cols);
  }
  void AddRowBias(Mat x, Mat table, std::span<const int32_t> rows) override {
    ForRows(x.rows, [&](int64_t row) {
      vector_->add(RowOf(x, row), RowOf(table, rows[static_cast<size_t>(row)]), x.cols);
    });
  }
  void ScaleRows(Mat x, std::span<const float> scales) override {
    ForRows(x.rows, [&](int64_t row) {
      vector_->scale(RowOf(x, row), scales[static_cast<size_t>(row)], x.cols, RowOf(x, row));
    });
  }

  void Compute(const LinearInput& x, Mat out) override {
    ForRows(x.rows(), [&](int64_t row) {
      const float* computed = ComputeRows(*vector_, x, row, 1, RowOf(out, row));
      if (computed != RowOf(out, row))
        std::memcpy(RowOf(out, row), computed, static_cast<size_t>(out.cols) * sizeof(float));
    });
  }

  void Rope(Mat x, int head_dim, Mat cos, Mat sin, bool interleaved) override {
    ForRows(x.rows, [&](int64_t row) {
      for (float* head = RowOf(x, row); head < RowOf(x, row) + x.cols; head += head_dim) {
        vector_->rotate(head, RowOf(cos, row), RowOf(sin, row), head_dim / 2, interleaved);
      }
    });
  }

  void NormHeads(Mat x, int head_dim, float eps) override {
    ForRows(x.rows, [&](int64_t row) {
      for (float* head = RowOf(x, row); head < RowOf(x, row) + x.cols; head += head_dim) {
        vector_->rms_norm(head, nullptr, head_dim, eps, head);
      }
    });
  }

  void WriteKv(KvCache& cache, int layer, const AttentionLayout& layout, Mat k, Mat v) override {
    RunWriteKv({vector_, &pool_, &scratch_}, static_cast<PagedKv&>(cache), layer, layout, k, v);
  }
  void Attention(const KvCache& cache, int layer, const AttentionLayout& layout, Mat q, float scale,
                 bool chunked, Mat out) override {
    RunAttention({vector_, &pool_, &scratch_}, static_cast<const PagedKv&>(cache), layer, layout, q, scale,
                 chunked, out);
  }
  void ReadLogits(Mat logits, std::span<const LogitQuestion> questions,
                  std::span<NextToken> answers) override {
    RunReadLogits(pool_, logits, questions, answers);
  }

 private:
  static size_t Bytes(const Mat& mat) { return static_cast<size_t>(mat.rows * mat.cols) * sizeof(float); }

  static void CopyRow(const Mat& from, int64_t source, const Mat& to, int64_t target) {
    std::memcpy(RowOf(to, target), RowOf(from, source), static_cast<size_t>(from.cols) * sizeof(float));
  }

  template <typename Body>
  void ForRows(int64_t rows, Body body) {
    pool_.For((rows + kRowBlock - 1) / kRowBlock, [&](int64_t block, int) {
      const int64_t end = std::min(rows, (block + 1) * kRowBlock);
      for (int64_t row = block * kRowBlock; row < end; ++row) body(row);
    });
  }

  const LinearKernel* linear_;
  const VectorKernel* vector_;
  const QuantKernel* quant_[2];  // by QuantFormat; null with f32
  ThreadPool pool_;
  std::vector<Scratch> scratch_;
  AlignedBuffer rounded_;
  RoundedRows rounded8_[kQuantForms];
  KvType exact_kv_type_;
  KvType kv_type_;
};

}  // namespace
}  // namespace cpu

Result<std::unique_ptr<Backend>> CreateCpuBackend(const CpuBackendOptions& options) {
  GATEHOUSE_ASSIGN(const Isa isa, ChooseIsa());
  const VectorKernel* vector = nullptr;
  for (const VectorKernel* table : VectorTables(isa)) {
    if (!options.f32 || table->attend_pairs == nullptr) vector = table;
  }
  // Without BF16 dot products, bf16 weights are widened and multiplied in float32: faster there, and finer.
  const LinearKernel* linear = options.f32 ? nullptr : BestLinear(ComputeType::kBF16, isa);
  if (linear == nullptr) linear = BestLinear(ComputeType::kF32, isa);
  const int threads = options.threads > 0 ? options.threads : ThreadPool::DefaultThreads();
  if (threads > ThreadPool::kMaxThreads)
    return UsageError("too many threads", "--threads", "at most 1024", std::to_string(threads));
  const QuantKernel* q8 = options.f32 ? nullptr : QuantTables(QuantFormat::kQ8, isa).back();
  const QuantKernel* q4 = options.f32 ? nullptr : QuantTables(QuantFormat::kQ4, isa).back();
  return std::unique_ptr<Backend>(
      std::make_unique<cpu::CpuBackend>(linear, vector, q8, q4, options, threads));
}

}  // namespace gatehouse

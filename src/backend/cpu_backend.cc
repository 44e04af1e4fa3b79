#include "backend/cpu_backend.h"

#include <algorithm>
#include <cstring>
#include <exception>
#include <new>

#include "backend/cpu_internal.h"
#include "backend/open_passes.h"
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
             const QuantKernel* q4, const BackendOptions& options, int threads)
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

  bool ExactInCompany() const override { return true; }
  PassLimits Limits() const override {
    PassLimits limits;
    // A tile's 577 rows keep the kernels busy, and its scratch is 40 MB at Llama Guard 4's size.
    limits.max_tiles = 1;
    // Attention is done in float32 (or in pairs, by a kernel less dense), products by the fastest there is.
    limits.attention_factor = 4;
    return limits;
  }
  DType ActivationType() const override { return DType::kF32; }
  int64_t ScratchBytes() const override {
    size_t total = rounded_.bytes() + experts_.bytes();
    for (const Scratch& of_thread : scratch_) total += of_thread.bytes();
    for (const RoundedRows& form : rounded8_) total += form.bytes();
    return static_cast<int64_t>(total);
  }

  Result<std::unique_ptr<DeviceBuffer>> Allocate(int64_t elements, DType type) override {
    if (type != DType::kF32 && type != DType::kI32)
      return Error{ErrorCode::kInternal, "the CPU holds no such matrices", "backend", "F32 or I32",
                   DTypeName(type)};
    try {
      return std::unique_ptr<DeviceBuffer>(std::make_unique<Buffer>(elements));
    } catch (const std::bad_alloc&) {
      return OutOfMemory("forward pass");
    }
  }

  Result<std::unique_ptr<DeviceWeight>> LoadWeight(WeightView view) override {
    auto weight = std::make_unique<Weight>();
    weight->rows = view.rows;
    weight->cols = view.cols;
    weight->view = std::move(view);
    return std::unique_ptr<DeviceWeight>(std::move(weight));
  }

  Result<std::unique_ptr<DeviceWeight>> LoadTable(const WeightView& view) override {
    auto weight = std::make_unique<Weight>();
    weight->rows = view.rows;
    weight->cols = view.cols;
    weight->table.resize(static_cast<size_t>(view.rows * view.cols));
    view.ReadRows(0, view.rows, weight->table.data());
    return std::unique_ptr<DeviceWeight>(std::move(weight));
  }

  std::unique_ptr<KvCache> CreateKvCache(const KvShape& shape) override {
    return std::make_unique<PagedKv>(shape, shape.exact ? exact_kv_type_ : kv_type_);
  }
  std::unique_ptr<DeviceLayout> CreateLayout() override { return std::make_unique<Layout>(); }

  void BeginPass() override { passes_.Begin(); }
  Result<void> EndPass() override { return passes_.End(); }

  void Upload(std::span<const float> host, Mat to) override {
    Do([&] { Copy(Data(to), host.data(), host.size_bytes()); });
  }
  void Upload(std::span<const int32_t> host, Mat to) override {
    Do([&] { Copy(Data(to), host.data(), host.size_bytes()); });
  }
  void Download(Mat from, float* host) override {
    Do([&] { Copy(host, Data(from), Bytes(from)); });
  }
  void Prepare(const AttentionLayout& layout, DeviceLayout& to) override {
    Do([&] { static_cast<Layout&>(to).Prepare(layout); });
  }

  void Linear(const LinearInput& x, std::initializer_list<LinearTerm> terms) override {
    Do([&] { RunLinear(Products(), x, terms); });
  }
  void Experts(Mat scores, int per_token, Mat x, std::span<const ExpertWeights> experts, Mat out) override {
    Do([&] { RunExperts(Products(), experts_, scores, per_token, x, experts, out); });
  }

  void Embed(const DeviceWeight& table, Mat ids, Mat out) override {
    Do([&] {
      const auto& weight = static_cast<const Weight&>(table);
      const int32_t* id = Numbers(ids);
      pool_.For(ids.rows, [&](int64_t i, int) {
        if (weight.table.empty()) {
          weight.view.ReadRows(id[i], 1, RowOf(out, i));
        } else {
          std::copy_n(weight.table.data() + id[i] * weight.cols, weight.cols, RowOf(out, i));
        }
      });
    });
  }
  void CopyRows(Mat from, Mat from_rows, Mat to, Mat to_rows) override {
    Do([&] {
      const int32_t* source = from_rows.buffer != nullptr ? Numbers(from_rows) : nullptr;
      const int32_t* target = to_rows.buffer != nullptr ? Numbers(to_rows) : nullptr;
      const int64_t count = source != nullptr ? from_rows.rows : target != nullptr ? to_rows.rows : from.rows;
      for (int64_t i = 0; i < count; ++i) {
        std::memcpy(RowOf(to, target != nullptr ? target[i] : i),
                    RowOf(from, source != nullptr ? source[i] : i),
                    static_cast<size_t>(from.cols) * sizeof(float));
      }
    });
  }
  void AddRows(Mat x, const DeviceWeight& table, Mat rows) override {
    const float* values = TableOf(table);
    ForRows(x.rows,
            [&](int64_t row) { vector_->add(RowOf(x, row), values + Numbers(rows)[row] * x.cols, x.cols); });
  }
  void ScaleRows(Mat x, Mat scales) override {
    ForRows(x.rows,
            [&](int64_t row) { vector_->scale(RowOf(x, row), *RowOf(scales, row), x.cols, RowOf(x, row)); });
  }

  void Compute(const LinearInput& x, Mat out) override {
    ForRows(x.rows(), [&](int64_t row) {
      const float* computed = ComputeRows(*vector_, x, row, 1, RowOf(out, row));
      if (computed != RowOf(out, row))
        std::memcpy(RowOf(out, row), computed, static_cast<size_t>(out.cols) * sizeof(float));
    });
  }

  void Rope(Mat x, int head_dim, Mat cos, Mat sin, Mat positions, bool interleaved) override {
    ForRows(x.rows, [&](int64_t row) {
      const int64_t position = Numbers(positions)[row];
      for (float* head = RowOf(x, row); head < RowOf(x, row) + x.cols; head += head_dim) {
        vector_->rotate(head, RowOf(cos, position), RowOf(sin, position), head_dim / 2, interleaved);
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

  void WriteKv(KvCache& cache, int layer, const DeviceLayout& layout, Mat k, Mat v) override {
    Do([&] {
      RunWriteKv({vector_, &pool_, &scratch_}, static_cast<PagedKv&>(cache), layer,
                 static_cast<const Layout&>(layout), k, v);
    });
  }
  void Attention(const KvCache& cache, int layer, const DeviceLayout& layout, Mat q, float scale,
                 bool chunked, Mat out) override {
    Do([&] {
      RunAttention({vector_, &pool_, &scratch_}, static_cast<const PagedKv&>(cache), layer,
                   static_cast<const Layout&>(layout), q, scale, chunked, out);
    });
  }
  void ReadLogits(Mat logits, std::span<const LogitQuestion> questions,
                  std::span<NextToken> answers) override {
    Do([&] { RunReadLogits(pool_, logits, questions, answers); });
  }

 private:
  static size_t Bytes(const Mat& mat) { return static_cast<size_t>(mat.rows * mat.cols) * sizeof(float); }
  static void Copy(void* to, const void* from, size_t bytes) {
    if (bytes > 0) std::memcpy(to, from, bytes);
  }

  LinearContext Products() {
    return {linear_, vector_, {quant_[0], quant_[1]}, &pool_, &scratch_, &rounded_, rounded8_};
  }

  // An operation of a pass: nothing that it throws leaves it.
  template <typename Work>
  void Do(Work work) {
    if (!passes_.MayGoOn()) return;
    try {
      work();
    } catch (const std::bad_alloc&) {
      passes_.Fail(OutOfMemory("forward pass"));
    } catch (const std::exception& error) {  // of who computes a weight's rows
      passes_.Fail(InternalError(error.what(), "forward pass"));
    }
  }

  template <typename Body>
  void ForRows(int64_t rows, Body body) {
    Do([&] {
      pool_.For((rows + kRowBlock - 1) / kRowBlock, [&](int64_t block, int) {
        const int64_t end = std::min(rows, (block + 1) * kRowBlock);
        for (int64_t row = block * kRowBlock; row < end; ++row) body(row);
      });
    });
  }

  const LinearKernel* linear_;
  const VectorKernel* vector_;
  const QuantKernel* quant_[2];  // by QuantFormat; null with f32
  ThreadPool pool_;
  std::vector<Scratch> scratch_;
  AlignedBuffer rounded_;
  RoundedRows rounded8_[kQuantForms];
  ExpertMemory experts_;
  KvType exact_kv_type_;
  KvType kv_type_;
  OpenPasses passes_;
};

}  // namespace
}  // namespace cpu

Result<std::unique_ptr<Backend>> CreateCpuBackend(const BackendOptions& options) {
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
  try {
    return std::unique_ptr<Backend>(
        std::make_unique<cpu::CpuBackend>(linear, vector, q8, q4, options, threads));
  } catch (const std::exception& error) {  // std::system_error, std::bad_alloc
    return Error{ErrorCode::kInternal, "cannot start the backend's threads", "--threads",
                 std::to_string(threads) + " of them", error.what()};
  }
}

}  // namespace gatehouse

#include "train/cpu_operations.h"

#include <algorithm>
#include <exception>
#include <new>
#include <optional>
#include <utility>
#include <vector>

#include "base/cpu.h"
#include "base/error.h"
#include "kernels/tables.h"
#include "train/cpu_parts.h"

namespace gatehouse::train {
namespace cpu {
namespace {

class CpuOperations : public Operations {
 public:
  struct Kernels {
    const LinearKernel *products, *exact;
    const VectorKernel* vector;
    const BackKernel* back;
  };
  CpuOperations(const Kernels& kernels, int threads)
      : pool_(threads), scratch_(static_cast<size_t>(threads)), context_{kernels.products, kernels.exact,
                                                                         kernels.vector,   kernels.back,
                                                                         &pool_,           &scratch_,
                                                                         &rounded_,        &turned_,
                                                                         &partial_} {}

  std::string Describe() const override {
    return std::string("cpu, products ") + context_.products->name + ", vectors " + context_.vector->name +
           ", " + std::to_string(pool_.threads()) + (pool_.threads() == 1 ? " thread" : " threads");
  }
  int64_t ScratchBytes() const override {
    size_t total = rounded_.bytes() + turned_.bytes() + partial_.memory.bytes();
    for (const ThreadScratch& one : scratch_) total += one.bytes();
    return static_cast<int64_t>(total);
  }
  Result<void> Finish() override {
    if (!failure_) return {};
    Error error = std::move(*failure_);
    failure_.reset();
    return error;
  }

  Result<std::unique_ptr<DeviceBuffer>> Allocate(int64_t elements) override {
    try {
      auto buffer = std::make_unique<HostBuffer>();
      buffer->memory.GetAs<float>(std::max<int64_t>(1, elements));
      return std::unique_ptr<DeviceBuffer>(std::move(buffer));
    } catch (const std::bad_alloc&) {
      return OutOfMemory("training");
    }
  }
  Result<std::unique_ptr<FrozenWeight>> LoadFrozen(const WeightView& view, bool goes_back) override {
    try {
      auto weight = std::make_unique<CpuFrozen>();
      LoadPanels(context_, view, goes_back, weight.get());
      return std::unique_ptr<FrozenWeight>(std::move(weight));
    } catch (const std::bad_alloc&) {
      return OutOfMemory("weights");
    } catch (const std::exception& error) {  // of who computes a weight's rows
      return InternalError(error.what(), "weights");
    }
  }

  void Upload(std::span<const float> host, Mat to) override {
    Do([&] { std::copy(host.begin(), host.end(), Data(to)); });
  }
  void Download(Mat from, std::span<float> host) override {
    Do([&] { std::copy_n(Data(from), host.size(), host.begin()); });
  }
  void Zero(Mat x) override {
    Do([&] { std::fill_n(Data(x), x.rows * x.cols, 0.0f); });
  }
  void Copy(Mat from, Mat to) override {
    Do([&] { std::copy_n(Data(from), from.rows * from.cols, Data(to)); });
  }
  void Add(Mat x, Mat to) override {
    Rows(x.rows, [&](int64_t row) { context_.vector->add(RowOf(to, row), RowOf(x, row), x.cols); });
  }
  void GatherRows(Mat from, std::span<const int32_t> rows, Mat to) override {
    Do([&] {
      for (size_t i = 0; i < rows.size(); ++i)
        std::copy_n(RowOf(from, rows[i]), from.cols, RowOf(to, static_cast<int64_t>(i)));
    });
  }
  void ScatterAddRows(Mat from, std::span<const int32_t> rows, Mat to) override {
    Do([&] {
      for (size_t i = 0; i < rows.size(); ++i)
        context_.vector->add(RowOf(to, rows[i]), RowOf(from, static_cast<int64_t>(i)), from.cols);
    });
  }
  void Embed(const WeightView& table, std::span<const int32_t> ids, Mat out) override {
    Rows(out.rows, [&](int64_t row) { table.ReadRows(ids[static_cast<size_t>(row)], 1, RowOf(out, row)); });
  }

  void Linear(Mat x, const FrozenWeight& weight, Mat y) override {
    Do([&] { RunFrozen(context_, x, static_cast<const CpuFrozen&>(weight).forward, /*adds=*/false, y); });
  }
  void LinearBack(Mat dy, const FrozenWeight& weight, bool adds, Mat dx) override {
    Do([&] { RunFrozen(context_, dy, static_cast<const CpuFrozen&>(weight).back, adds, dx); });
  }
  void Multiply(Mat x, Mat w, float factor, Mat y) override {
    Do([&] { RunMultiply(context_, x, w, {.factor = factor}, y); });
  }
  void MultiplyOnto(Mat x, Mat w, Mat y) override {
    Do([&] { RunMultiply(context_, x, w, {.adds = true}, y); });
  }
  void MultiplyBack(Mat dy, Mat w, float factor, Mat dx) override {
    Do([&] { RunMultiplyBack(context_, dy, w, {.factor = factor}, dx); });
  }
  void MultiplyBackOnto(Mat dy, Mat w, Mat dx) override {
    Do([&] { RunMultiplyBack(context_, dy, w, {.adds = true}, dx); });
  }
  void MultiplyOuter(Mat dy, Mat x, Mat dw) override {
    Do([&] { RunMultiplyOuter(context_, dy, x, dw); });
  }

  void Drop(Mat x, const Dropout& dropout, Mat y) override {
    Rows(x.rows,
         [&](int64_t row) { DropRow(dropout, row, x.cols, RowOf(x, row), /*adds=*/false, RowOf(y, row)); });
  }
  void DropOnto(Mat x, const Dropout& dropout, Mat y) override {
    Rows(x.rows,
         [&](int64_t row) { DropRow(dropout, row, x.cols, RowOf(x, row), /*adds=*/true, RowOf(y, row)); });
  }

  void RmsNorm(Mat x, Mat weight, float eps, Mat y) override {
    Rows(x.rows, [&](int64_t row) {
      context_.vector->rms_norm(RowOf(x, row), Data(weight), x.cols, eps, RowOf(y, row));
    });
  }
  void RmsNormBack(Mat x, Mat weight, float eps, Mat dy, Mat dx) override {
    Rows(x.rows, [&](int64_t row) {
      context_.back->rms_norm_back(RowOf(x, row), Data(weight), x.cols, eps, RowOf(dy, row), /*adds=*/true,
                                   RowOf(dx, row));
    });
  }
  void RmsNormWeightBack(Mat x, float eps, Mat dy, Mat dweight) override {
    Do([&] { RunRmsNormWeightBack(x, eps, dy, dweight); });
  }
  void NormHeads(Mat x, int head_dim, float eps, Mat y) override {
    Rows(x.rows, [&](int64_t row) {
      for (int64_t at = 0; at < x.cols; at += head_dim)
        context_.vector->rms_norm(RowOf(x, row) + at, nullptr, head_dim, eps, RowOf(y, row) + at);
    });
  }
  void NormHeadsBack(Mat x, int head_dim, float eps, Mat dy) override {
    Rows(x.rows, [&](int64_t row) {
      for (int64_t at = 0; at < x.cols; at += head_dim)
        context_.back->rms_norm_back(RowOf(x, row) + at, nullptr, head_dim, eps, RowOf(dy, row) + at,
                                     /*adds=*/false, RowOf(dy, row) + at);
    });
  }
  void Rotate(Mat x, int head_dim, const RotaryAngles& angles, bool back) override {
    const Mat& sin = back ? angles.minus_sin : angles.sin;
    Rows(x.rows, [&](int64_t row) {
      for (int64_t at = 0; at < x.cols; at += head_dim) {
        context_.vector->rotate(RowOf(x, row) + at, RowOf(angles.cos, row), RowOf(sin, row), head_dim / 2,
                                angles.interleaved);
      }
    });
  }
  void ScaleRows(Mat x, Mat factors) override {
    Rows(x.rows, [&](int64_t row) {
      context_.vector->scale(RowOf(x, row), *RowOf(factors, row), x.cols, RowOf(x, row));
    });
  }
  void SwiGlu(Mat gate, Mat up, Mat y) override {
    Rows(y.rows, [&](int64_t row) {
      context_.vector->swiglu(RowOf(gate, row), RowOf(up, row), y.cols, RowOf(y, row));
    });
  }
  void SwiGluBack(Mat dy, Mat gate, Mat up) override {
    Rows(dy.rows, [&](int64_t row) {
      context_.back->swiglu_back(RowOf(dy, row), dy.cols, RowOf(gate, row), RowOf(up, row));
    });
  }

  void Attention(const PackedRows& rows, const HeadShape& shape, Mat q, Mat k, Mat v, Mat out) override {
    Do([&] { RunAttention(context_, rows, shape, q, k, v, out); });
  }
  void AttentionBack(const PackedRows& rows, const HeadShape& shape, Mat q, Mat k, Mat v, Mat dout, Mat dq,
                     Mat dk, Mat dv) override {
    Do([&] { RunAttentionBack(context_, rows, shape, q, k, v, dout, dq, dk, dv); });
  }

  double CrossEntropy(Mat logits, std::span<const int32_t> targets, std::span<const float> weights) override {
    double sum = 0;
    Do([&] {
      std::vector<double> losses(targets.size());
      pool_.For(logits.rows, [&](int64_t row, int) {
        const auto at = static_cast<size_t>(row);
        losses[at] = CrossEntropyRow(RowOf(logits, row), logits.cols, targets[at], weights[at]);
      });
      for (const double loss : losses) sum += loss;
    });
    return sum;
  }

  double SumSquares(Mat x) override {
    double sum = 0;
    Do([&] { sum = RunSumSquares(context_, x); });
    return sum;
  }
  void AdamW(const AdamWStep& step, Mat gradient, Mat first, Mat second, Mat value) override {
    Rows(value.rows, [&](int64_t row) {
      AdamWRow(step, value.cols, RowOf(gradient, row), RowOf(first, row), RowOf(second, row),
               RowOf(value, row));
    });
  }

 private:
  // Nothing that an operation throws leaves it.
  template <typename Work>
  void Do(Work work) {
    if (failure_) return;
    try {
      work();
    } catch (const std::bad_alloc&) {
      failure_ = OutOfMemory("training");
    } catch (const std::exception& error) {
      failure_ = InternalError(error.what(), "training");
    }
  }
  template <typename Body>
  void Rows(int64_t rows, Body body) {
    Do([&] { ForRows(context_, rows, body); });
  }

  ThreadPool pool_;
  std::vector<ThreadScratch> scratch_;
  AlignedBuffer rounded_, turned_;
  HostBuffer partial_;
  Context context_;
  std::optional<Error> failure_;
};

}  // namespace
}  // namespace cpu

Result<std::unique_ptr<Operations>> CreateCpuOperations(const CpuOptions& options) {
  GATEHOUSE_ASSIGN(const Isa isa, ChooseIsa());
  cpu::CpuOperations::Kernels kernels{};
  kernels.exact = BestLinear(ComputeType::kF32, isa);
  if (!options.f32) kernels.products = BestLinear(ComputeType::kBF16, isa);
  if (kernels.products == nullptr) kernels.products = kernels.exact;
  // Of the tables that differ in attention alone, which is done otherwise here, any is as good.
  kernels.vector = VectorTables(isa).back();
  kernels.back = BackTables(isa).back();
  const int threads = options.threads > 0 ? options.threads : ThreadPool::DefaultThreads();
  if (threads > ThreadPool::kMaxThreads)
    return UsageError("too many threads", "--threads", "at most 1024", std::to_string(threads));
  try {
    return std::unique_ptr<Operations>(std::make_unique<cpu::CpuOperations>(kernels, threads));
  } catch (const std::exception& error) {  // std::system_error, std::bad_alloc
    return Error{ErrorCode::kInternal, "cannot start the threads", "--threads",
                 std::to_string(threads) + " of them", error.what()};
  }
}

}  // namespace gatehouse::train

// What the parts of the CPU backend share. Not for use outside backend/.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "backend/backend.h"
#include "base/aligned_buffer.h"
#include "base/thread_pool.h"
#include "kernels/linear/linear.h"
#include "kernels/quant/quant.h"
#include "kernels/vector/vector.h"

namespace gatehouse::cpu {

// Elements of four bytes: float32 or int32.
class Buffer : public DeviceBuffer {
 public:
  Buffer() = default;
  explicit Buffer(int64_t elements) { memory.GetAs<float>(elements > 0 ? elements : 1); }
  void* data() { return memory.Get(0); }
  // A matrix in as much of it as is needed; what it held may be gone.
  Mat Get(int64_t rows, int64_t cols) {
    memory.GetAs<float>(rows * cols);
    return {this, 0, rows, cols};
  }
  AlignedBuffer memory;
};

// [rows, cols] of a Mat, on the host.
inline float* Data(const Mat& mat) {
  return static_cast<float*>(static_cast<Buffer*>(mat.buffer)->data()) + mat.offset;
}
inline float* RowOf(const Mat& mat, int64_t row) { return Data(mat) + row * mat.cols; }
inline const int32_t* Numbers(const Mat& mat) {
  return static_cast<const int32_t*>(static_cast<Buffer*>(mat.buffer)->data()) + mat.offset;
}

class Weight : public DeviceWeight {
 public:
  WeightView view;
  std::vector<float> table;  // of LoadTable, [rows][cols]; the view is empty then
};

inline const float* TableOf(const DeviceWeight& weight) {
  return static_cast<const Weight&>(weight).table.data();
}

// Scratch of one thread.
struct Scratch {
  AlignedBuffer panel;
  AlignedBuffer rows;
  AlignedBuffer transformed;
  AlignedBuffer kernel;
  AlignedBuffer out;
  AlignedBuffer attention[6];

  size_t bytes() const {
    size_t total = panel.bytes() + rows.bytes() + transformed.bytes() + kernel.bytes() + out.bytes();
    for (const AlignedBuffer& one : attention) total += one.bytes();
    return total;
  }
};

// A page holds, for every layer and kv head, keys [head_dim][kPageTokens] and then values
// [kPageTokens][ValueStride(head_dim)], in float32, in bfloat16 bits, in pairs of those as AttentionPairs
// wants them, or in 8 bits; of the last kind the scales follow, float32, of the keys [kPageTokens] and of the
// values [kPageTokens].
enum class KvType { kF32, kBF16, kBF16Pairs, kI8 };

class PagedKv : public KvCache {
 public:
  PagedKv(const KvShape& shape_in, KvType type_in);
  int64_t BytesPerPage() const override;
  Result<void> Reserve(int32_t count) override;
  Result<void> CopyPage(int32_t from, int32_t to) override;

  // The keys of (layer, head) in a page.
  std::byte* Head(int32_t page, int layer, int head) const {
    return pages[static_cast<size_t>(page)].data() +
           (static_cast<int64_t>(layer) * shape.kv_heads + head) * HeadBytes();
  }
  int64_t HeadBytes() const {
    if (type == KvType::kI8) return HeadElements() + 2 * kPageTokens * static_cast<int64_t>(sizeof(float));
    return HeadElements() * (type == KvType::kF32 ? 4 : 2);
  }
  int64_t KeyElements() const {
    const int rows = type == KvType::kBF16Pairs ? 2 * HeadPairs(shape.head_dim) : shape.head_dim;
    return static_cast<int64_t>(rows) * kPageTokens;
  }
  int64_t HeadElements() const {
    return KeyElements() + static_cast<int64_t>(kPageTokens) * ValueStride(shape.head_dim);
  }

  KvShape shape;
  KvType type;
  std::vector<AlignedBuffer> pages;
};

// x rounded to 8 bits, once for all products that share it and have weights of one format.
struct RoundedRows {
  AlignedBuffer values, scales, sums, widened;
  size_t bytes() const { return values.bytes() + scales.bytes() + sums.bytes() + widened.bytes(); }
};

// Rows of one sequence, for which the pages that they see are read together.
struct Unit {
  int first;
  int count;
};

class Layout : public DeviceLayout {
 public:
  void Prepare(const AttentionLayout& layout);
  AttentionLayout host;
  std::vector<Unit> units;
};

// In what form products with rounded weights take their input: by format, and for transformed weights
// transformed.
constexpr size_t kQuantForms = 4;

// Products for one backend: see cpu_linear.cc.
struct LinearContext {
  const LinearKernel* kernel;
  const VectorKernel* vector;
  const QuantKernel* quant[2];  // by QuantFormat; null: rounded weights are widened to float32
  ThreadPool* pool;
  std::vector<Scratch>* scratch;  // one a thread
  AlignedBuffer* rounded;         // x in bf16, or in float32 where it had to be computed
  RoundedRows* rounded8;          // [kQuantForms]
};
// Rows first .. first+count of an input, [count][cols]: x itself, or computed into `out`, which may be the
// rows that they are computed from.
const float* ComputeRows(const VectorKernel& vector, const LinearInput& x, int64_t first, int64_t count,
                         float* out);

void RunLinear(const LinearContext& context, const LinearInput& x,
               std::initializer_list<Backend::LinearTerm> terms);

// What a row of experts' work is kept in.
struct ExpertMemory {
  Buffer in, gate, up, out;
  size_t bytes() const {
    return in.memory.bytes() + gate.memory.bytes() + up.memory.bytes() + out.memory.bytes();
  }
};
void RunExperts(const LinearContext& context, ExpertMemory& memory, Mat scores, int per_token, Mat x,
                std::span<const ExpertWeights> experts, Mat out);

struct AttentionContext {
  const VectorKernel* kernel;
  ThreadPool* pool;
  std::vector<Scratch>* scratch;
};
void RunWriteKv(const AttentionContext& context, PagedKv& cache, int layer, const Layout& layout, Mat k,
                Mat v);
void RunAttention(const AttentionContext& context, const PagedKv& cache, int layer, const Layout& layout,
                  Mat q, float scale, bool chunked, Mat out);

// NextToken::log_total of a row.
double LogTotal(std::span<const float> logits);
// answers[i]: of questions[i].
void RunReadLogits(ThreadPool& pool, Mat logits, std::span<const LogitQuestion> questions,
                   std::span<NextToken> answers);

}  // namespace gatehouse::cpu

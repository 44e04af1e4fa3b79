#include "backend/guarded_backend.h"

#include <sys/mman.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>
#include <map>
#include <mutex>

#include "backend/open_passes.h"
#include "backend/reference_ops.h"
#include "base/error.h"

namespace gatehouse::test {
namespace {

// The device's memory: one stretch of pages, none of which can be touched while it is closed.
class Memory {
 public:
  explicit Memory(size_t bytes) : bytes_(bytes) {
    base_ = ::mmap(nullptr, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    free_[0] = base_ == MAP_FAILED ? 0 : bytes;
  }
  ~Memory() { ::munmap(base_, bytes_); }
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;

  void Open() { (void)::mprotect(base_, bytes_, PROT_READ | PROT_WRITE); }
  void Close() { (void)::mprotect(base_, bytes_, PROT_NONE); }

  // First fit; null where there is none.
  float* Take(size_t bytes) {
    const std::lock_guard lock(mutex_);
    bytes = (std::max<size_t>(bytes, 1) + 63) / 64 * 64;
    for (auto free = free_.rbegin(); free != free_.rend(); ++free) {  // the untouched rest comes last
      if (free->second < bytes) continue;
      const size_t place = free->first + free->second - bytes;  // its end, so that the entry stays
      free->second -= bytes;
      taken_[place] = bytes;
      return reinterpret_cast<float*>(static_cast<std::byte*>(base_) + place);
    }
    return nullptr;
  }
  void Give(float* data) {
    const std::lock_guard lock(mutex_);
    const auto at = static_cast<size_t>(reinterpret_cast<std::byte*>(data) - static_cast<std::byte*>(base_));
    free_[at] += taken_[at];
    taken_.erase(at);
  }

 private:
  size_t bytes_;
  void* base_;
  std::mutex mutex_;
  std::map<size_t, size_t> free_, taken_;  // place -> bytes
};

// What was enqueued; memory is given back once it is done.
struct Queue {
  explicit Queue(size_t bytes) : memory(bytes) {}
  void Add(std::function<void()> work) {
    const std::lock_guard lock(mutex);
    waiting.push_back(std::move(work));
  }
  void Run() {
    std::vector<std::function<void()>> now;
    {
      const std::lock_guard lock(mutex);
      now.swap(waiting);
    }
    memory.Open();
    for (const auto& work : now) work();
    memory.Close();
    now.clear();
    const std::lock_guard lock(mutex);
    if (!waiting.empty()) return;  // it may use what is done with
    for (float* data : done) memory.Give(data);
    done.clear();
  }
  void GiveLater(float* data) {
    const std::lock_guard lock(mutex);
    done.push_back(data);
  }
  Memory memory;
  std::mutex mutex;
  std::vector<float*> done;
  std::vector<std::function<void()>> waiting;
};
using Device = std::shared_ptr<Queue>;

// Given back when what was enqueued before is done.
std::shared_ptr<float> TakeShared(const Device& device, int64_t elements) {
  float* data = device->memory.Take(static_cast<size_t>(elements) * sizeof(float));
  if (data == nullptr) return nullptr;
  return {data, [device](float* done) { device->GiveLater(done); }};
}

struct Buffer : DeviceBuffer {
  std::shared_ptr<float> data;
};
struct Weight : DeviceWeight {
  std::shared_ptr<float> data;  // [rows][cols]
};
struct Layout : DeviceLayout {
  AttentionLayout host;
};

float* Data(const Mat& mat) { return static_cast<Buffer*>(mat.buffer)->data.get() + mat.offset; }
const int32_t* Numbers(const Mat& mat) { return reinterpret_cast<const int32_t*>(Data(mat)); }
const float* ValuesOf(const DeviceWeight* weight) {
  return weight == nullptr ? nullptr : static_cast<const Weight*>(weight)->data.get();
}
std::span<float> RowOf(const Mat& mat, int64_t row) {
  return {Data(mat) + row * mat.cols, static_cast<size_t>(mat.cols)};
}

Matrix Read(const Mat& mat) {
  Matrix out(mat.rows, mat.cols);
  std::copy_n(Data(mat), mat.rows * mat.cols, out.values.data());
  return out;
}
Matrix Read(const DeviceWeight& weight) {
  Matrix out(weight.rows, weight.cols);
  std::copy_n(ValuesOf(&weight), weight.rows * weight.cols, out.values.data());
  return out;
}
void Write(const Matrix& values, const Mat& to, bool adds = false) {
  for (size_t i = 0; i < values.values.size(); ++i)
    Data(to)[i] = adds ? Data(to)[i] + values.values[i] : values.values[i];
}

Matrix Read(const LinearInput& x) {
  Matrix out = Read(x.x);
  for (int64_t row = 0; row < out.rows; ++row) {
    const std::span<float> values(out.values.data() + row * out.cols, static_cast<size_t>(out.cols));
    switch (x.kind) {
      case LinearInput::Kind::kPlain:
        break;
      case LinearInput::Kind::kRmsNorm:
        RmsNorm(values, ValuesOf(x.weight), x.eps);
        break;
      case LinearInput::Kind::kLayerNorm:
        LayerNorm(values, ValuesOf(x.weight), ValuesOf(x.bias), x.eps);
        break;
      case LinearInput::Kind::kSwiGlu:
        SwiGlu(values, RowOf(x.up, row));
        break;
      case LinearInput::Kind::kGelu:
        Gelu(values);
        break;
    }
  }
  return out;
}

// Keys and values [page][layer][slot][2][kv_heads * head_dim].
struct Pages : KvCache {
  Pages(Device device_in, const KvShape& shape_in) : device(std::move(device_in)), shape(shape_in) {}
  int64_t width() const { return static_cast<int64_t>(shape.kv_heads) * shape.head_dim; }
  int64_t page_elements() const { return static_cast<int64_t>(shape.layers) * kPageTokens * 2 * width(); }
  int64_t BytesPerPage() const override { return page_elements() * static_cast<int64_t>(sizeof(float)); }
  Result<void> Reserve(int32_t count) override {
    while (static_cast<int32_t>(pages.size()) < count) {
      std::shared_ptr<float> page = TakeShared(device, page_elements());
      if (page == nullptr) return InternalError("out of memory", "key/value cache");
      pages.push_back(std::move(page));
    }
    return {};
  }
  Result<void> CopyPage(int32_t from, int32_t to) override {
    device->Add([to_page = pages[static_cast<size_t>(to)], from_page = pages[static_cast<size_t>(from)],
                 count = page_elements()] { std::copy_n(from_page.get(), count, to_page.get()); });
    return {};
  }
  float* Slot(const AttentionLayout& layout, int32_t sequence, int32_t slot, int layer, bool value) const {
    const int32_t page = layout.pages[static_cast<size_t>(sequence)][static_cast<size_t>(slot / kPageTokens)];
    return pages[static_cast<size_t>(page)].get() +
           ((static_cast<int64_t>(layer) * kPageTokens + slot % kPageTokens) * 2 + (value ? 1 : 0)) * width();
  }
  Device device;
  KvShape shape;
  std::vector<std::shared_ptr<float>> pages;
};

class GuardedBackend : public Backend {
 public:
  GuardedBackend(size_t bytes, bool runs_ahead)
      : device_(std::make_shared<Queue>(bytes)), runs_ahead_(runs_ahead) {}
  ~GuardedBackend() override { device_->Run(); }

  std::string Describe() const override { return "guarded"; }
  bool ComputesInBf16() const override { return false; }
  bool ExactInCompany() const override { return true; }
  PassLimits Limits() const override {
    return {.max_rows = 96, .long_chunk = 48, .max_read_rows = 3, .max_tiles = 3, .runs_ahead = runs_ahead_};
  }
  DType ActivationType() const override { return DType::kF32; }
  int64_t ScratchBytes() const override { return 0; }
  double MeasurePeak(std::optional<QuantFormat>) override { return 1e9; }

  Result<std::unique_ptr<DeviceBuffer>> Allocate(int64_t elements, DType) override {
    auto buffer = std::make_unique<Buffer>();
    buffer->data = TakeShared(device_, elements);
    if (buffer->data == nullptr) return InternalError("out of memory", "device");
    return std::unique_ptr<DeviceBuffer>(std::move(buffer));
  }
  Result<std::unique_ptr<DeviceWeight>> LoadWeight(WeightView view) override { return LoadTable(view); }
  Result<std::unique_ptr<DeviceWeight>> LoadTable(const WeightView& view) override {
    auto weight = std::make_unique<Weight>();
    weight->rows = view.rows;
    weight->cols = view.cols;
    weight->data = TakeShared(device_, view.rows * view.cols);
    if (weight->data == nullptr) return InternalError("out of memory", "device");
    device_->Add([to = weight->data, rows = test::RowsOf(view)] {
      std::copy(rows.values.begin(), rows.values.end(), to.get());
    });
    device_->Run();  // a model is large: no second copy of it waits
    return std::unique_ptr<DeviceWeight>(std::move(weight));
  }
  std::unique_ptr<KvCache> CreateKvCache(const KvShape& shape) override {
    return std::make_unique<Pages>(device_, shape);
  }
  std::unique_ptr<DeviceLayout> CreateLayout() override { return std::make_unique<Layout>(); }

  void BeginPass() override { passes_.Begin(); }
  Result<void> EndPass() override {
    device_->Run();
    return passes_.End();
  }

  void Upload(std::span<const float> host, Mat to) override {
    UploadBytes(host.data(), host.size_bytes(), to);
  }
  void Upload(std::span<const int32_t> host, Mat to) override {
    UploadBytes(host.data(), host.size_bytes(), to);
  }
  void Download(Mat from, float* host) override {
    Enqueue([=] { std::copy_n(Data(from), from.rows * from.cols, host); });
    device_->Run();
  }
  void Prepare(const AttentionLayout& layout, DeviceLayout& to) override {
    Enqueue([layout, &to] { static_cast<Layout&>(to).host = layout; });
  }

  void Linear(const LinearInput& x, std::initializer_list<LinearTerm> terms) override {
    Enqueue([x, list = std::vector<LinearTerm>(terms)] {
      const Matrix input = Read(x);
      for (const LinearTerm& term : list)
        Write(Product(input, Read(*term.weight), ValuesOf(term.bias)), term.out, term.adds);
    });
  }
  void Experts(Mat scores, int per_token, Mat x, std::span<const ExpertWeights> experts, Mat out) override {
    Enqueue([=, list = std::vector<ExpertWeights>(experts.begin(), experts.end())] {
      const Matrix by = Read(scores), rows = Read(x);
      const auto routes = Route(by, per_token);
      for (int64_t row = 0; row < rows.rows; ++row) {
        for (const int32_t e : routes[static_cast<size_t>(row)]) {
          Matrix in(1, rows.cols);
          const float sigmoid = 1.0f / (1.0f + std::exp(-by.at(row, e)));
          for (int64_t k = 0; k < rows.cols; ++k) in.at(0, k) = rows.at(row, k) * sigmoid;
          const ExpertWeights& expert = list[static_cast<size_t>(e)];
          Matrix gate = Product(in, Read(*expert.gate), nullptr);
          SwiGlu(gate.values, Product(in, Read(*expert.up), nullptr).values);
          Write(Product(gate, Read(*expert.down), nullptr), out.Rows(row, 1), /*adds=*/true);
        }
      }
    });
  }

  void Embed(const DeviceWeight& table, Mat ids, Mat out) override {
    Enqueue([=, &table] {
      for (int64_t i = 0; i < ids.rows; ++i)
        std::copy_n(ValuesOf(&table) + Numbers(ids)[i] * table.cols, table.cols, RowOf(out, i).data());
    });
  }
  void CopyRows(Mat from, Mat from_rows, Mat to, Mat to_rows) override {
    Enqueue([=] {
      const int64_t count = from_rows.buffer != nullptr ? from_rows.rows
                            : to_rows.buffer != nullptr ? to_rows.rows
                                                        : from.rows;
      for (int64_t i = 0; i < count; ++i) {
        const int64_t source = from_rows.buffer != nullptr ? Numbers(from_rows)[i] : i;
        const int64_t target = to_rows.buffer != nullptr ? Numbers(to_rows)[i] : i;
        std::copy_n(RowOf(from, source).data(), from.cols, RowOf(to, target).data());
      }
    });
  }
  void AddRows(Mat x, const DeviceWeight& table, Mat rows) override {
    Enqueue([=, &table] {
      for (int64_t row = 0; row < x.rows; ++row) {
        const float* from = ValuesOf(&table) + Numbers(rows)[row] * table.cols;
        for (int64_t k = 0; k < x.cols; ++k) RowOf(x, row)[static_cast<size_t>(k)] += from[k];
      }
    });
  }
  void ScaleRows(Mat x, Mat scales) override {
    Enqueue([=] {
      for (int64_t row = 0; row < x.rows; ++row) {
        for (float& value : RowOf(x, row)) value *= Data(scales)[row];
      }
    });
  }
  void Compute(const LinearInput& x, Mat out) override {
    Enqueue([=] { Write(Read(x), out); });
  }
  void Rope(Mat x, int head_dim, Mat cos, Mat sin, Mat positions, bool interleaved) override {
    Enqueue([=] {
      ForHeads(x, head_dim, [&](int64_t row, std::span<float> head) {
        const int64_t at = Numbers(positions)[row] * static_cast<int64_t>(head_dim / 2);
        Rotate(head, Data(cos) + at, Data(sin) + at, interleaved);
      });
    });
  }
  void NormHeads(Mat x, int head_dim, float eps) override {
    Enqueue(
        [=] { ForHeads(x, head_dim, [&](int64_t, std::span<float> head) { RmsNorm(head, nullptr, eps); }); });
  }

  void WriteKv(KvCache& cache, int layer, const DeviceLayout& layout, Mat k, Mat v) override {
    Enqueue([=, &pages = static_cast<Pages&>(cache), &where = static_cast<const Layout&>(layout)] {
      for (int64_t i = 0; i < k.rows; ++i) {
        const AttentionLayout::Row& row = where.host.rows[static_cast<size_t>(i)];
        std::copy_n(RowOf(k, i).data(), k.cols, pages.Slot(where.host, row.sequence, row.slot, layer, false));
        std::copy_n(RowOf(v, i).data(), v.cols, pages.Slot(where.host, row.sequence, row.slot, layer, true));
      }
    });
  }
  void Attention(const KvCache& cache, int layer, const DeviceLayout& layout, Mat q, float scale,
                 bool chunked, Mat out) override {
    Enqueue([=, &pages = static_cast<const Pages&>(cache), &where = static_cast<const Layout&>(layout)] {
      const int head_dim = pages.shape.head_dim;
      const int64_t group = q.cols / head_dim / pages.shape.kv_heads;
      for (int64_t i = 0; i < q.rows; ++i) {
        const int32_t sequence = where.host.rows[static_cast<size_t>(i)].sequence;
        const std::vector<int32_t> slots = VisibleSlots(where.host, static_cast<size_t>(i), chunked);
        for (int64_t head = 0; head < q.cols / head_dim; ++head) {
          const auto at = [&](int64_t key, bool value) {
            return pages.Slot(where.host, sequence, slots[static_cast<size_t>(key)], layer, value) +
                   head / group * head_dim;
          };
          const auto size = static_cast<size_t>(head_dim), first = static_cast<size_t>(head * head_dim);
          Attend(
              RowOf(q, i).subspan(first, size), static_cast<int64_t>(slots.size()),
              [&](int64_t key) { return at(key, false); }, [&](int64_t key) { return at(key, true); }, scale,
              RowOf(out, i).subspan(first, size));
        }
      }
    });
  }
  void ReadLogits(Mat logits, std::span<const LogitQuestion> questions,
                  std::span<NextToken> answers) override {
    Enqueue([=] {
      for (size_t i = 0; i < questions.size(); ++i) {
        const std::span<const float> row = RowOf(logits, questions[i].row);
        const float most = *std::max_element(row.begin(), row.end());
        double total = 0;
        for (const float logit : row)
          total += std::exp(static_cast<double>(logit) - static_cast<double>(most));
        answers[i].log_total = static_cast<double>(most) + std::log(total);
        answers[i].best = static_cast<int32_t>(std::max_element(row.begin(), row.end()) - row.begin());
        answers[i].logits.clear();
        if (questions[i].whole) answers[i].logits.assign(row.begin(), row.end());
        for (const int32_t id : questions[i].ids) answers[i].logits.push_back(row[static_cast<size_t>(id)]);
      }
    });
    device_->Run();
  }

 private:
  void Enqueue(std::function<void()> work) {
    if (passes_.MayGoOn()) device_->Add(std::move(work));
  }
  void UploadBytes(const void* host, size_t bytes, Mat to) {
    std::vector<std::byte> copy(bytes);
    if (bytes > 0) std::memcpy(copy.data(), host, bytes);
    Enqueue([to, copy = std::move(copy)] {
      if (!copy.empty()) std::memcpy(Data(to), copy.data(), copy.size());
    });
  }
  template <typename Body>
  static void ForHeads(Mat x, int head_dim, Body body) {
    for (int64_t row = 0; row < x.rows; ++row) {
      for (int64_t first = 0; first < x.cols; first += head_dim)
        body(row, RowOf(x, row).subspan(static_cast<size_t>(first), static_cast<size_t>(head_dim)));
    }
  }

  Device device_;
  bool runs_ahead_;
  OpenPasses passes_;
};

}  // namespace

std::unique_ptr<Backend> MakeGuardedBackend(size_t bytes, bool runs_ahead) {
  return std::make_unique<GuardedBackend>(bytes, runs_ahead);
}

const float* AddressOf(const Mat& mat) { return Data(mat); }

}  // namespace gatehouse::test

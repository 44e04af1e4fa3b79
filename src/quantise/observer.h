// Observer: a backend that passes every call on to another, and gathers the moments of the inputs of chosen
// products on the way.
//
//   Observer observer(*backend, total_rows);
//   GATEHOUSE_ASSIGN(auto decoder, Decoder::Create(config, observer.Named(checkpoint.lookup()), observer));
//   observer.Watch({"model.layers.0.self_attn.q_proj.weight"}, Observer::What::kMoments);
//   decoder->Forward(...);
//   MomentsMap moments = observer.Take();
//
// The sums are made by the backend's own product X^T X, so they come out the same whatever the number of
// threads.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "backend/backend.h"
#include "model/decoder.h"
#include "quantise/moments.h"

namespace gatehouse {

class Observer : public Backend {
 public:
  // total_rows: how many rows a pass has, roughly; the sample is spread over them.
  Observer(Backend& inner, int64_t total_rows);

  // A lookup whose weights this backend knows by name.
  WeightLookup Named(WeightLookup lookup);
  // Gathers the moments of the inputs of these products (their names: of those that share an input the first)
  // from here on; or a sample of rows alone.
  enum class What { kMoments, kSample };
  void Watch(const std::vector<std::string>& names, What what);
  // What was gathered; watching ends.
  MomentsMap Take();
  // How much each row of the next passes counts; a product with another number of rows counts each once.
  void SetRowWeights(std::vector<float> weights) { row_weights_ = std::move(weights); }

  std::string Describe() const override { return inner_.Describe(); }
  bool ComputesInBf16() const override { return inner_.ComputesInBf16(); }
  bool ExactInCompany() const override { return inner_.ExactInCompany(); }
  PassLimits Limits() const override { return inner_.Limits(); }
  DType ActivationType() const override { return inner_.ActivationType(); }
  int64_t ScratchBytes() const override { return inner_.ScratchBytes(); }
  double MeasurePeak(std::optional<QuantFormat> format) override { return inner_.MeasurePeak(format); }
  Result<std::unique_ptr<DeviceBuffer>> Allocate(int64_t elements, DType type) override {
    return inner_.Allocate(elements, type);
  }
  Result<std::unique_ptr<DeviceWeight>> LoadWeight(WeightView view) override;
  Result<std::unique_ptr<DeviceWeight>> LoadTable(const WeightView& view) override {
    return inner_.LoadTable(view);
  }
  std::unique_ptr<KvCache> CreateKvCache(const KvShape& shape) override {
    return inner_.CreateKvCache(shape);
  }
  std::unique_ptr<DeviceLayout> CreateLayout() override { return inner_.CreateLayout(); }
  void BeginPass() override { inner_.BeginPass(); }
  Result<void> EndPass() override;
  void Upload(std::span<const float> host, Mat to) override { inner_.Upload(host, to); }
  void Upload(std::span<const int32_t> host, Mat to) override { inner_.Upload(host, to); }
  void Download(Mat from, float* host) override { inner_.Download(from, host); }
  void Prepare(const AttentionLayout& layout, DeviceLayout& to) override { inner_.Prepare(layout, to); }
  void Linear(const LinearInput& x, std::initializer_list<LinearTerm> terms) override;
  // Expert by expert, by the operations above: each one's products are watched.
  void Experts(Mat scores, int per_token, Mat x, std::span<const ExpertWeights> experts, Mat out) override;
  void Embed(const DeviceWeight& table, Mat ids, Mat out) override { inner_.Embed(table, ids, out); }
  void CopyRows(Mat from, Mat from_rows, Mat to, Mat to_rows) override {
    inner_.CopyRows(from, from_rows, to, to_rows);
  }
  void AddRows(Mat x, const DeviceWeight& table, Mat rows) override { inner_.AddRows(x, table, rows); }
  void ScaleRows(Mat x, Mat scales) override { inner_.ScaleRows(x, scales); }
  void Compute(const LinearInput& x, Mat out) override { inner_.Compute(x, out); }
  void Rope(Mat x, int head_dim, Mat cos, Mat sin, Mat positions, bool interleaved) override {
    inner_.Rope(x, head_dim, cos, sin, positions, interleaved);
  }
  void NormHeads(Mat x, int head_dim, float eps) override { inner_.NormHeads(x, head_dim, eps); }
  void WriteKv(KvCache& cache, int layer, const DeviceLayout& layout, Mat k, Mat v) override {
    inner_.WriteKv(cache, layer, layout, k, v);
  }
  void Attention(const KvCache& cache, int layer, const DeviceLayout& layout, Mat q, float scale,
                 bool chunked, Mat out) override {
    inner_.Attention(cache, layer, layout, q, scale, chunked, out);
  }
  void ReadLogits(Mat logits, std::span<const LogitQuestion> questions,
                  std::span<NextToken> answers) override {
    inner_.ReadLogits(logits, questions, answers);
  }

 private:
  void Observe(const LinearInput& x, const DeviceWeight& weight);
  void Sample(const std::vector<float>& x, InputMoments* moments);
  Result<void> AddMoments(std::vector<float> x, int64_t rows, InputMoments* moments);
  Result<Mat> Memory(int64_t rows, int64_t cols, DType type,
                     std::vector<std::unique_ptr<DeviceBuffer>>* keep);
  void Fail(Error error);
  Result<void> ObserveRows(const LinearInput& x, InputMoments* moments);
  Result<void> RunExpert(const ExpertWeights& expert, const std::vector<int32_t>& rows,
                         const std::vector<float>& scales, Mat x, Mat out);

  Backend& inner_;
  int64_t sample_step_;
  std::string pending_name_;  // of the weight that is looked up and loaded next
  std::unordered_map<const DeviceWeight*, std::string> names_;
  std::vector<float> row_weights_;
  What what_ = What::kMoments;
  MomentsMap moments_;
  std::optional<Error> failure_;  // the first of the observer's own in this pass
};

}  // namespace gatehouse

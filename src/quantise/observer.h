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
  // Gathers the moments of these products (keys by MomentsKey) from here on; or a sample of rows alone.
  enum class What { kMoments, kSample };
  void Watch(const std::vector<std::string>& keys, What what);
  // What was gathered; watching ends.
  MomentsMap Take();
  // How much each row of the next passes counts; a product with another number of rows counts each once.
  void SetRowWeights(std::vector<float> weights) { row_weights_ = std::move(weights); }

  std::string Describe() const override { return inner_.Describe(); }
  bool ComputesInBf16() const override { return inner_.ComputesInBf16(); }
  double MeasurePeak(std::optional<QuantFormat> format) override { return inner_.MeasurePeak(format); }
  std::unique_ptr<DeviceBuffer> Allocate(int64_t elements) override { return inner_.Allocate(elements); }
  void Upload(const float* host, Mat to) override { inner_.Upload(host, to); }
  void Download(Mat from, float* host) override { inner_.Download(from, host); }
  Result<std::unique_ptr<DeviceWeight>> LoadWeight(WeightView view) override;
  Result<std::unique_ptr<DeviceWeight>> LoadVector(const WeightView& view) override {
    return inner_.LoadVector(view);
  }
  std::unique_ptr<KvCache> CreateKvCache(const KvShape& shape) override {
    return inner_.CreateKvCache(shape);
  }
  void Linear(const LinearInput& x, std::initializer_list<LinearTerm> terms) override;
  void Embed(const DeviceWeight& table, std::span<const int32_t> ids, Mat out) override {
    inner_.Embed(table, ids, out);
  }
  void GatherRows(Mat from, std::span<const int32_t> rows, Mat out) override {
    inner_.GatherRows(from, rows, out);
  }
  void ScatterRows(Mat from, std::span<const int32_t> rows, Mat out) override {
    inner_.ScatterRows(from, rows, out);
  }
  void ScatterAddRows(Mat from, std::span<const int32_t> rows, Mat out) override {
    inner_.ScatterAddRows(from, rows, out);
  }
  void ScaleRows(Mat x, std::span<const float> scales) override { inner_.ScaleRows(x, scales); }
  void AddRowBias(Mat x, Mat table, std::span<const int32_t> rows) override {
    inner_.AddRowBias(x, table, rows);
  }
  void Compute(const LinearInput& x, Mat out) override { inner_.Compute(x, out); }
  void Rope(Mat x, int head_dim, Mat cos, Mat sin, bool interleaved) override {
    inner_.Rope(x, head_dim, cos, sin, interleaved);
  }
  void NormHeads(Mat x, int head_dim, float eps) override { inner_.NormHeads(x, head_dim, eps); }
  void WriteKv(KvCache& cache, int layer, const AttentionLayout& layout, Mat k, Mat v) override {
    inner_.WriteKv(cache, layer, layout, k, v);
  }
  void Attention(const KvCache& cache, int layer, const AttentionLayout& layout, Mat q, float scale,
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
  void AddMoments(std::vector<float> x, int64_t rows, InputMoments* moments);

  Backend& inner_;
  int64_t sample_step_;
  std::string pending_name_;  // of the weight that is looked up and loaded next
  std::unordered_map<const DeviceWeight*, std::string> names_;
  std::vector<float> row_weights_;
  What what_ = What::kMoments;
  MomentsMap moments_;
};

}  // namespace gatehouse

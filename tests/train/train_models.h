// Small random decoders with LoRA or trained weights, in our trainer and in the double-precision reference,
// for tests of gradients.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "checkpoint/weights.h"
#include "formats/model_config.h"
#include "train/cpu_operations.h"
#include "train/full_set.h"
#include "train/network.h"

namespace gatehouse::test {

// Three layers of the llama family, sizes that are no multiples of 32, two query heads to a head of keys.
nlohmann::ordered_json TrainLlama(bool tied);
// The text of a dense Llama 4: norms of heads, chunks of 8, a layer without positions with its temperature.
nlohmann::ordered_json TrainLlama4();

struct Trainer {
  std::unique_ptr<Checkpoint> checkpoint;
  std::unique_ptr<train::Operations> ops;
  std::unique_ptr<train::LoraSet> lora;  // or
  std::unique_ptr<train::FullSet> full;
  std::unique_ptr<train::Network> network;

  const train::TrainedWeights& weights() const {
    if (lora != nullptr) return *lora;
    return *full;
  }
  // Gradients of one batch, tensor by tensor. Throws on failure.
  std::vector<std::vector<float>> GradientsOf(const train::TrainBatch& batch, double* loss = nullptr);
};

// directory: of a checkpoint. Matrices A and B all get random values. Throws on failure.
Trainer MakeTrainer(const std::string& directory, const train::LoraOptions& lora,
                    const train::CpuOptions& cpu);
// The same whose weights are trained themselves.
Trainer MakeFullTrainer(const std::string& directory, const train::FullOptions& full,
                        const train::CpuOptions& cpu, bool again = false);
std::vector<float> ValuesOf(train::Operations& ops, const Mat& matrix);

std::vector<float> RandomValues(size_t count, double size, unsigned seed);
std::vector<int32_t> RandomIds(size_t count, int32_t vocab, unsigned seed);
// Conversations of these lengths behind a prefix; each wants a token at its end and one, of less weight, in
// its middle.
std::vector<train::TrainText> RandomTexts(const std::vector<size_t>& lengths, int32_t vocab, unsigned seed);

// The loss of conversations by the reference, every one computed whole, as a function of LoRA's matrices or
// of the weights.
class ReferenceLoss {
 public:
  // trainer: for the config, and names, scales and values of its matrices as they are now.
  ReferenceLoss(const std::string& directory, const Trainer& trainer, std::vector<int32_t> prefix,
                std::vector<train::TrainText> texts);

  double Loss() const;
  // The slope of the loss where matrix `tensor` moves by `step`: a central difference.
  double Slope(size_t tensor, const std::vector<double>& direction);

 private:
  struct Matrix {
    std::string weight;  // the published name of what it belongs to
    bool whole = false;  // it is the weight; else one of LoRA's: A, and B behind it
    std::vector<double> values;
  };
  void Merge(const std::string& weight);

  ModelConfig config_;
  std::vector<int32_t> prefix_;
  std::vector<train::TrainText> texts_;
  std::vector<Matrix> matrices_;  // as TrainedWeights::tensors()
  double scale_ = 1;
  int64_t rank_ = 1;
  std::map<std::string, std::vector<float>> base_, merged_;
};

}  // namespace gatehouse::test

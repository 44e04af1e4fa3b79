// ReferenceModel: the whole network, text and vision, in one plain file that can be read from end to end.
//
// Read reference_model.cc to learn what Gatehouse computes; use the class in tests as an oracle for the fast
// code. It is slow on purpose: double precision, no threads, no blocks, no cache. It shares no code with
// src/model.
//
//   ReferenceModel model(config, [&](const std::string& name) { return LoadAsFloats(name); });
//   ReferenceModel::Rows image = model.EncodeTile(pixels);         // 144 rows of `hidden` values
//   ReferenceModel::Trace trace = model.Run(ids, image);
//   std::vector<double> logits = model.Logits(trace.hidden.back().back());
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "formats/model_config.h"

namespace gatehouse::test {

class ReferenceModel {
 public:
  using Row = std::vector<double>;
  using Rows = std::vector<Row>;
  // A tensor's values by its published name, row-major; shapes follow from the config.
  using Weights = std::function<std::vector<float>(const std::string& name)>;

  struct Trace {
    // hidden[0]: the embeddings [tokens][hidden]; hidden[i]: after layer i - 1, the last one after the final
    // norm too.
    std::vector<Rows> hidden;
  };

  ReferenceModel(ModelConfig config, Weights weights);

  // image_rows replace the embeddings of image tokens, in order. There must be as many as such tokens.
  Trace Run(const std::vector<int32_t>& ids, const Rows& image_rows = {}) const;

  // Scores of every token after a row of the last hidden states.
  std::vector<double> Logits(const Row& hidden) const;

  // One tile [3][size][size], normalised, to (patches / 4) rows of `hidden` values.
  Rows EncodeTile(const std::vector<float>& pixels) const;

 private:
  Rows Attention(int layer, const Rows& normed) const;
  Rows FeedForward(int layer, const Rows& normed) const;
  Rows SwiGlu(const Rows& inputs, const std::string& prefix, int width) const;
  Rows Experts(const Rows& inputs, const std::string& prefix) const;
  Rows VisionAttention(const Rows& normed, const std::string& prefix) const;
  std::string Layer(int layer) const;

  ModelConfig config_;
  Weights weights_;
  std::string text_prefix_;  // "language_model." for Llama 4, "" for Llama
};

}  // namespace gatehouse::test

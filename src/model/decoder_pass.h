// DecoderPass: what one pass of a decoder holds besides weights: its matrices, and where each row stands. The
// blocks of the network (model/block.h) read and write it; two passes that take place within each other have
// one each.
//
// Memory is taken before anything is enqueued, for the largest pass that the backend likes, so that addresses
// stay; a larger pass makes it grow once.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "backend/backend.h"
#include "formats/model_config.h"
#include "gatehouse/result.h"
#include "model/batch.h"
#include "model/rotary_table.h"
#include "model/workspace.h"

namespace gatehouse {

class DecoderPass {
 public:
  DecoderPass(const ModelConfig& config, Backend& backend);

  // Takes memory for the batch. read: its rows whose logits are wanted. Errors: kInternal: none left; a row
  // that makes no sense.
  Result<void> Reserve(const Batch& batch, std::span<const int32_t> read);
  // Brings over where the batch's rows stand. trim_layer: behind whose keys and values only the rows that are
  // read go on, -1: none.
  Result<void> Begin(const Batch& batch, std::span<const int32_t> read, KvCache& cache, RotaryTable& rotary,
                     int trim_layer);
  // The embeddings of all rows, of tokens and of pictures.
  void Embed(const Batch& batch, const DeviceWeight& table);
  // Goes on with the rows that are read alone, in their order.
  void KeepReadRows();

  // Bytes that Reserve takes for a pass of so many rows, of which so many are read.
  int64_t BytesFor(int64_t row_count, int64_t read_count);

  Backend& backend() const { return backend_; }
  const ModelConfig& config() const { return config_; }

  // Of the pass under way.
  Mat rows;         // hidden state, float32 [rows, hidden]
  Mat positions;    // int32 [rows, 1]
  Mat temperature;  // of queries in layers without positions, float32 [rows, 1]
  Mat cos, sin;     // of every position
  const DeviceLayout* layout = nullptr;
  KvCache* cache = nullptr;
  int trim_layer = -1;

  // Matrices that a block may use for itself: [rows, the widest that a layer needs].
  Workspace normed, q, k, v, attended, gate, up, scores;
  Workspace logits;  // [rows that are read, vocabulary]

 private:
  // Of each matrix its elements.
  std::vector<std::pair<Workspace*, int64_t>> Sizes(int64_t row_count, int64_t read_count);

  const ModelConfig& config_;
  Backend& backend_;
  Workspace hidden_, read_;                     // [rows, hidden]
  Workspace ids_, positions_, kept_positions_;  // int32, one a row
  Workspace picture_rows_, picture_targets_;    // int32, by picture
  Workspace kept_;                              // int32: the rows that are read
  Workspace temperature_, kept_temperature_;    // one a row
  std::unique_ptr<DeviceLayout> layout_, kept_layout_;
  std::shared_ptr<const RotaryTable::Angles> angles_;  // those that cos and sin lie in
  int64_t kept_count_ = 0;
};

}  // namespace gatehouse

// TrainBatch: what one pass of training computes: packed conversations, and which tokens are wanted after
// which rows.
//
//   TrainBatch batch = MakeBatch(policy_ids, {{ids, {{.at = 41, .token = safe, .weight = 1}}}, ...});
//   batch.divide_by = conversations of the step;   // the loss is their mean
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "train/packed_rows.h"

namespace gatehouse::train {

// What an image is to the network: vectors in place of the embeddings of consecutive rows.
struct PictureRows {
  int32_t row = 0;  // the first, of a text or of a batch
  int32_t count = 0;
  std::shared_ptr<const std::vector<float>> values;  // [.., hidden], of the whole image
  int64_t first = 0;                                 // of its rows
};

struct TrainBatch {
  struct Target {
    int32_t row;  // of the batch: the token is the one behind it
    int32_t token;
    float weight;
  };

  PackedRows rows;
  std::vector<int32_t> ids;  // [rows]
  std::vector<PictureRows> pictures;
  std::vector<Target> targets;  // the loss is the sum of weight * cross entropy, divided:
  double divide_by = 1;
  uint64_t drop_seed = 0;  // what LoRA's dropout leaves out follows from it; 0: nothing is left out
};

// One conversation behind the prefix.
struct TrainText {
  struct Target {
    int32_t at;  // place in `ids` of the token before the wanted one
    int32_t token;
    float weight;
  };
  std::vector<int32_t> ids;  // at least one
  std::vector<PictureRows> pictures{};
  std::vector<Target> targets;
};

TrainBatch MakeBatch(const std::vector<int32_t>& prefix, const std::vector<TrainText>& texts);

}  // namespace gatehouse::train

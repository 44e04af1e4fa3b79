// Tape: what a forward pass keeps for its gradients, a layer at a time, and the work space of one layer.
// Everything of a batch is laid out at once; a smaller batch takes no new memory.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "formats/model_config.h"
#include "gatehouse/result.h"
#include "train/arena.h"
#include "train/packed_rows.h"

namespace gatehouse::train {

// Linears of a layer, in order.
enum Linears : uint8_t {
  kQueryLinear,
  kKeyLinear,
  kValueLinear,
  kOutputLinear,
  kGateLinear,
  kUpLinear,
  kDownLinear
};
constexpr size_t kLinears = 7;

// Rows are the batch's, T of them.
struct LayerTape {
  Mat input;  // [T, hidden]
  Mat query_raw,
      key_raw;  // before the norm of heads, where there is one; else the same memory as query and key
  Mat query, key, value;          // as attention takes them, [T, heads * head_dim], [T, kv_heads * head_dim]
  Mat attended;                   // [T, heads * head_dim]
  Mat middle;                     // [T, hidden]: the input of the feed-forward network's norm
  Mat gate, up;                   // [T, ffn]; the way back makes them into their gradients
  std::array<Mat, kLinears> low;  // [T, rank]: scale x A^T of every linear
};

// Work space of what LoRA adds to a linear.
struct LoraWork {
  Mat low_gradient;        // [T, rank]
  Mat dropped;             // [T, the most inputs of a linear]; with dropout alone
  uint64_t drop_seed = 0;  // of this batch's dropout; 0: none
};

// Used by every layer in turn.
struct LayerWork {
  Mat normed, normed_gradient;  // [T, hidden]
  Mat wide, wide_gradient;      // [T, ffn]
  Mat attended_gradient;        // [T, heads * head_dim]
  Mat query_gradient, key_gradient, value_gradient;
  LoraWork lora;
};

// Of the head, whose rows are those that are read.
struct HeadTape {
  Mat rows, normed, logits;            // [read, hidden] twice, [read, vocab]
  Mat rows_gradient, normed_gradient;  // [read, hidden]
  Mat low;                             // [read, rank]
  LoraWork lora;
};

class Tape {
 public:
  struct Size {
    int64_t rows = 0;
    int64_t read = 0;  // rows that get logits
    int64_t rank = 0;  // of LoRA
    bool drops = false;
    bool again = false;  // layers share all but their input: who goes back computes them again
  };
  Result<void> Lay(const ModelConfig& config, const Size& size, Operations& ops);
  int64_t bytes() const { return memory_.bytes(); }

  std::vector<LayerTape> layers;
  LayerWork work;
  HeadTape head;
  Mat output;    // [T, hidden]: what comes out of the last layer
  Mat gradient;  // [T, hidden]: of what the layer just gone back through took
  RotaryAngles angles;
  Mat temperature;  // [T, 1]

 private:
  Arena memory_;
};

}  // namespace gatehouse::train

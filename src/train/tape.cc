#include "train/tape.h"

#include <algorithm>

namespace gatehouse::train {

Result<void> Tape::Lay(const ModelConfig& config, const Size& size, Operations& ops) {
  const int64_t rows = size.rows, read = size.read, rank = size.rank;
  const int64_t hidden = config.hidden, ffn = config.ffn_dense;
  const int64_t queries = int64_t{config.heads} * config.head_dim,
                keys = int64_t{config.kv_heads} * config.head_dim;
  const int64_t most_inputs = size.drops ? std::max({hidden, ffn, queries}) : 0;
  layers.resize(static_cast<size_t>(config.layers));
  return memory_.Lay(ops, [&](Arena& space) {
    Mat raw_queries, raw_keys;  // before the norm of heads
    for (size_t i = 0; i < layers.size(); ++i) {
      LayerTape& layer = layers[i];
      const bool norms_heads = config.qk_norm && config.uses_rope[i] != 0;
      if (size.again && i > 0) layer = layers[0];
      layer.input = space.Take(rows, hidden);
      if (size.again && i > 0) {
        layer.query_raw = norms_heads ? raw_queries : layer.query;
        layer.key_raw = norms_heads ? raw_keys : layer.key;
        continue;
      }
      layer.query = space.Take(rows, queries);
      layer.key = space.Take(rows, keys);
      if (size.again) {
        raw_queries = space.Take(rows, config.qk_norm ? queries : 0);
        raw_keys = space.Take(rows, config.qk_norm ? keys : 0);
      } else if (norms_heads) {
        raw_queries = space.Take(rows, queries);
        raw_keys = space.Take(rows, keys);
      }
      layer.query_raw = norms_heads ? raw_queries : layer.query;
      layer.key_raw = norms_heads ? raw_keys : layer.key;
      layer.value = space.Take(rows, keys);
      layer.attended = space.Take(rows, queries);
      layer.middle = space.Take(rows, hidden);
      layer.gate = space.Take(rows, ffn);
      layer.up = space.Take(rows, ffn);
      for (Mat& low : layer.low) low = space.Take(rows, rank);
    }
    output = space.Take(rows, hidden);
    gradient = space.Take(rows, hidden);
    work.normed = space.Take(rows, hidden);
    work.normed_gradient = space.Take(rows, hidden);
    work.wide = space.Take(rows, ffn);
    work.wide_gradient = space.Take(rows, ffn);
    work.attended_gradient = space.Take(rows, queries);
    work.query_gradient = space.Take(rows, queries);
    work.key_gradient = space.Take(rows, keys);
    work.value_gradient = space.Take(rows, keys);
    work.lora.low_gradient = space.Take(rows, rank);
    work.lora.dropped = space.Take(rows, most_inputs);
    head.rows = space.Take(read, hidden);
    head.normed = space.Take(read, hidden);
    head.logits = space.Take(read, config.vocab);
    head.rows_gradient = space.Take(read, hidden);
    head.normed_gradient = space.Take(read, hidden);
    head.low = space.Take(read, rank);
    head.lora.low_gradient = space.Take(read, rank);
    head.lora.dropped = space.Take(read, size.drops ? hidden : 0);
    angles.cos = space.Take(rows, config.head_dim / 2);
    angles.sin = space.Take(rows, config.head_dim / 2);
    angles.minus_sin = space.Take(rows, config.head_dim / 2);
    temperature = space.Take(rows, 1);
  });
}

}  // namespace gatehouse::train

// Prune: a dense checkpoint from a Scout-like mixture of experts, as Llama Guard 4 came from Llama 4 Scout:
// routed experts and routers are left out, each layer's shared expert becomes its feed-forward network.
//
//   GATEHOUSE_TRY(Prune({.input = "llama-4-scout", .output = "scout-dense"}, progress));
//
// OUT gets config.json, safetensors shards with their index, what else belongs to a model (tokenizer,
// generation config, processor), and SHA256SUMS (check it with sha256sum -c). Bytes of tensors are copied as
// they are, a few megabytes at a time. After a kill the same call goes on with the first shard that is not
// whole.
#pragma once

#include <string>

#include "checkpoint/convert.h"
#include "gatehouse/result.h"

namespace gatehouse {

struct PruneOptions {
  std::string input = {};       // a Hugging Face directory whose layers all have experts and a shared one
  std::string output = {};      // a new or empty directory, or an interrupted run's with the same options
  bool keep_attention = false;  // Scout's own RoPE, chunks and length in place of Llama Guard 4's
  int64_t max_shard_bytes = int64_t{4} << 30;
};

// Errors: kModel (not such a mixture), kUsage (the output), kInternal (the disk).
Result<void> Prune(const PruneOptions& options, const ProgressCallback& progress = {});

// The dense model's config.json, from the mixture's.
Result<std::string> PrunedConfig(const std::string& config_json, const std::string& name,
                                 bool keep_attention);

}  // namespace gatehouse

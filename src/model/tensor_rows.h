// The table behind tensor_table.h, and what its columns mean. For tensor_table.cc alone.
#pragma once

#include <cstdint>
#include <iterator>
#include <string_view>

#include "model/tensor_table.h"

namespace gatehouse::tensor_rows {

// Every size that a shape is made of.
struct Sizes {
  int64_t vocab, hidden, queries, keys, ffn, experts;
  int64_t patch, positions, vision, vision_ffn, shuffled, adapter_wide, adapter_narrow, vision_output;
};
using Size = int64_t Sizes::*;

// Where a row's name stands, and how often.
enum class Section : uint8_t {
  kOnce,         // NAME
  kLayer,        // model.layers.I.NAME
  kRouting,      // model.layers.I.feed_forward.NAME, in layers with experts
  kNetwork,      // model.layers.I.mlp.NAME; of Llama 4 feed_forward.NAME, shared_expert.NAME, experts.E.NAME
  kVision,       // NAME, where there is a vision encoder
  kVisionLayer,  // vision_model.model.layers.I.NAME
};

// Rounding is for the products of the layers. What it would hurt, or is small beside the rest, keeps its
// precision: routers, the head, all that sees.
enum class Kind : uint8_t {
  kTable,           // [N, K], read row by row
  kProduct,         // [N, K]
  kRoundedProduct,  // [N, K], to 8 or 4 bits where one asks
  kBiasedProduct,   // [N, K], and a bias [N] beside it, named ".bias" for ".weight"
  kValues,          // [N] or [N, K]
  kBiasedValues,    // [N], and a bias [N]
};

// NOLINTNEXTLINE(clang-analyzer-optin.performance.Padding): 29 of them, their columns in reading order
struct Row {
  Weight weight;
  Section section;
  Kind kind;
  std::string_view name;
  std::string_view gguf;  // "blk.I." before it in a layer; empty: GGUF files have none
  Size rows;
  Size cols;     // null: a vector
  Weight input;  // the first of the products that read the same rows
};

using P = Weight;
using S = Sizes;
constexpr auto kOnce = Section::kOnce, kLayer = Section::kLayer, kRouting = Section::kRouting,
               kNetwork = Section::kNetwork, kVision = Section::kVision, kVisionLayer = Section::kVisionLayer;
constexpr auto kTable = Kind::kTable, kProduct = Kind::kProduct, kRounded = Kind::kRoundedProduct,
               kBiased = Kind::kBiasedProduct, kValues = Kind::kValues, kBiasedValues = Kind::kBiasedValues;

// In the order of Weight: its number is its row's.
inline constexpr Row kRows[] = {
    {P::kEmbedding, kOnce, kTable, "model.embed_tokens.weight", "token_embd.weight", &S::vocab, &S::hidden,
     P::kEmbedding},
    {P::kAttentionNorm, kLayer, kValues, "input_layernorm.weight", "attn_norm.weight", &S::hidden, nullptr,
     P::kAttentionNorm},
    {P::kQuery, kLayer, kRounded, "self_attn.q_proj.weight", "attn_q.weight", &S::queries, &S::hidden,
     P::kQuery},
    {P::kKey, kLayer, kRounded, "self_attn.k_proj.weight", "attn_k.weight", &S::keys, &S::hidden, P::kQuery},
    {P::kValue, kLayer, kRounded, "self_attn.v_proj.weight", "attn_v.weight", &S::keys, &S::hidden,
     P::kQuery},
    {P::kAttentionOutput, kLayer, kRounded, "self_attn.o_proj.weight", "attn_output.weight", &S::hidden,
     &S::queries, P::kAttentionOutput},
    {P::kFeedForwardNorm, kLayer, kValues, "post_attention_layernorm.weight", "ffn_norm.weight", &S::hidden,
     nullptr, P::kFeedForwardNorm},
    {P::kRouter, kRouting, kProduct, "router.weight", "", &S::experts, &S::hidden, P::kRouter},
    {P::kGate, kNetwork, kRounded, "gate_proj.weight", "ffn_gate.weight", &S::ffn, &S::hidden, P::kGate},
    {P::kUp, kNetwork, kRounded, "up_proj.weight", "ffn_up.weight", &S::ffn, &S::hidden, P::kGate},
    {P::kDown, kNetwork, kRounded, "down_proj.weight", "ffn_down.weight", &S::hidden, &S::ffn, P::kDown},
    {P::kFinalNorm, kOnce, kValues, "model.norm.weight", "output_norm.weight", &S::hidden, nullptr,
     P::kFinalNorm},
    {P::kHead, kOnce, kProduct, "lm_head.weight", "output.weight", &S::vocab, &S::hidden, P::kHead},

    {P::kPatches, kVision, kProduct, "vision_model.patch_embedding.linear.weight", "", &S::vision, &S::patch,
     P::kPatches},
    {P::kClass, kVision, kValues, "vision_model.class_embedding", "", &S::vision, nullptr, P::kClass},
    {P::kPositions, kVision, kValues, "vision_model.positional_embedding_vlm", "", &S::positions, &S::vision,
     P::kPositions},
    {P::kVisionPreNorm, kVision, kBiasedValues, "vision_model.layernorm_pre.weight", "", &S::vision, nullptr,
     P::kVisionPreNorm},
    {P::kVisionPostNorm, kVision, kBiasedValues, "vision_model.layernorm_post.weight", "", &S::vision,
     nullptr, P::kVisionPostNorm},
    {P::kVisionAttentionNorm, kVisionLayer, kBiasedValues, "input_layernorm.weight", "", &S::vision, nullptr,
     P::kVisionAttentionNorm},
    {P::kVisionQuery, kVisionLayer, kBiased, "self_attn.q_proj.weight", "", &S::vision, &S::vision,
     P::kVisionQuery},
    {P::kVisionKey, kVisionLayer, kBiased, "self_attn.k_proj.weight", "", &S::vision, &S::vision,
     P::kVisionQuery},
    {P::kVisionValue, kVisionLayer, kBiased, "self_attn.v_proj.weight", "", &S::vision, &S::vision,
     P::kVisionQuery},
    {P::kVisionAttentionOutput, kVisionLayer, kBiased, "self_attn.o_proj.weight", "", &S::vision, &S::vision,
     P::kVisionAttentionOutput},
    {P::kVisionFeedForwardNorm, kVisionLayer, kBiasedValues, "post_attention_layernorm.weight", "",
     &S::vision, nullptr, P::kVisionFeedForwardNorm},
    {P::kVisionWiden, kVisionLayer, kBiased, "mlp.fc1.weight", "", &S::vision_ffn, &S::vision,
     P::kVisionWiden},
    {P::kVisionNarrow, kVisionLayer, kBiased, "mlp.fc2.weight", "", &S::vision, &S::vision_ffn,
     P::kVisionNarrow},
    {P::kAdapterWiden, kVision, kProduct, "vision_model.vision_adapter.mlp.fc1.weight", "", &S::adapter_wide,
     &S::shuffled, P::kAdapterWiden},
    {P::kAdapterNarrow, kVision, kProduct, "vision_model.vision_adapter.mlp.fc2.weight", "",
     &S::adapter_narrow, &S::adapter_wide, P::kAdapterNarrow},
    {P::kProjector, kVision, kProduct, "multi_modal_projector.linear_1.weight", "", &S::hidden,
     &S::vision_output, P::kProjector},
};

constexpr bool IsInOrder() {
  for (size_t i = 0; i < std::size(kRows); ++i) {
    if (kRows[i].weight != static_cast<Weight>(i)) return false;
  }
  return static_cast<size_t>(Weight::kProjector) + 1 == std::size(kRows);
}
static_assert(IsInOrder());

}  // namespace gatehouse::tensor_rows

#include "formats/model_config_parts.h"

#include "base/error.h"

namespace gatehouse {
namespace {

// An object member, or null where it is absent or null.
Result<const Json*> Object(const JsonFields& fields, const char* key) {
  const Json* value = fields.Find(key);
  if (value == nullptr || value->is_null()) return static_cast<const Json*>(nullptr);
  if (!value->is_object())
    return ModelError("bad value", fields.Where(key), "an object or null", value->type_name());
  return value;
}

Result<void> Require(bool good, const std::string& where, const std::string& expected,
                     const std::string& found) {
  if (good) return {};
  return ModelError("bad value", where, expected, found);
}

}  // namespace

Result<void> ParseVision(const JsonFields& fields, VisionConfig* vision) {
  vision->present = true;
  GATEHOUSE_ASSIGN(vision->hidden, fields.Int("hidden_size", 768, 1, 1 << 16));
  GATEHOUSE_ASSIGN(vision->layers, fields.Int("num_hidden_layers", 34, 1, 1024));
  GATEHOUSE_ASSIGN(vision->heads, fields.Int("num_attention_heads", 16, 1, 1024));
  GATEHOUSE_ASSIGN(vision->ffn, fields.Int("intermediate_size", 5632, 1, 1 << 20));
  GATEHOUSE_ASSIGN(vision->channels, fields.Int("num_channels", 3, 3, 3));
  GATEHOUSE_ASSIGN(vision->image_size, fields.Int("image_size", 448, 1, 1 << 13));
  GATEHOUSE_ASSIGN(vision->patch_size, fields.Int("patch_size", 14, 1, 1 << 10));
  GATEHOUSE_ASSIGN(vision->output, fields.Int("vision_output_dim", 7680, 1, 1 << 17));
  GATEHOUSE_ASSIGN(vision->projector_input, fields.Int("projector_input_dim", 4096, 1, 1 << 17));
  GATEHOUSE_ASSIGN(vision->projector_output, fields.Int("projector_output_dim", 4096, 1, 1 << 17));
  GATEHOUSE_ASSIGN(vision->norm_eps, fields.Number("norm_eps", 1e-5, 1e-12, 0.1));
  GATEHOUSE_ASSIGN(vision->rope_theta, fields.Number("rope_theta", 10000.0, 1.0, 1e12));
  GATEHOUSE_ASSIGN(const Json* rope, Object(fields, "rope_parameters"));
  if (rope != nullptr) {
    const JsonFields parameters(*rope, fields.Where("rope_parameters"));
    GATEHOUSE_ASSIGN(vision->rope_theta, parameters.Number("rope_theta", vision->rope_theta, 1.0, 1e12));
  }
  GATEHOUSE_ASSIGN(const double ratio, fields.Number("pixel_shuffle_ratio", 0.5, 0.0, 1.0));
  GATEHOUSE_ASSIGN(const std::string activation, fields.String("hidden_act", "gelu"));
  GATEHOUSE_ASSIGN(const bool bias, fields.Bool("multi_modal_projector_bias", false));
  GATEHOUSE_ASSIGN(const std::string strategy, fields.String("vision_feature_select_strategy", "default"));

  GATEHOUSE_TRY(Require(ratio == 0.5, fields.Where("pixel_shuffle_ratio"), "0.5", std::to_string(ratio)));
  GATEHOUSE_TRY(Require(activation == "gelu", fields.Where("hidden_act"), "gelu", activation));
  GATEHOUSE_TRY(Require(!bias, fields.Where("multi_modal_projector_bias"), "false", "true"));
  GATEHOUSE_TRY(
      Require(strategy == "default", fields.Where("vision_feature_select_strategy"), "default", strategy));
  GATEHOUSE_TRY(Require(vision->image_size % (2 * vision->patch_size) == 0, fields.Where("image_size"),
                        "an even number of patches of " + std::to_string(vision->patch_size),
                        std::to_string(vision->image_size)));
  // Half of a head's pairs rotate by the column, half by the row.
  GATEHOUSE_TRY(Require(vision->hidden % vision->heads == 0 && vision->hidden / vision->heads % 4 == 0,
                        fields.Where("hidden_size"), "heads of a multiple of 4",
                        std::to_string(vision->hidden)));
  GATEHOUSE_TRY(Require(vision->output == vision->projector_output, fields.Where("vision_output_dim"),
                        "projector_output_dim, " + std::to_string(vision->projector_output),
                        std::to_string(vision->output)));
  return {};
}

}  // namespace gatehouse

// The parts of config.json that have a file of their own: rope and vision. Used by model_config.cc alone.
#pragma once

#include "formats/json.h"
#include "formats/model_config.h"

namespace gatehouse {

// rope_theta, and rope_scaling (old spelling) or rope_parameters (new). config holds the dimensions already.
Result<void> ParseRope(const JsonFields& fields, double default_theta, ModelConfig* config);

Result<void> ParseVision(const JsonFields& fields, VisionConfig* vision);

}  // namespace gatehouse

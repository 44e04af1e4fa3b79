// The parts of config.json that have a file of their own: rope and vision. Used by model_config.cc alone.
#pragma once

#include "formats/json.h"
#include "formats/model_config.h"

namespace gatehouse {

// rope_theta, and rope_scaling (old spelling) or rope_parameters (new), in the order of transformers: a
// rope_scaling that holds something comes first, a rope_theta in the chosen object before the one beside it.
// What no order decides is an error; what one does, though the file says two things, is a warning.
Result<void> ParseRope(const JsonFields& fields, double default_theta, ModelConfig* config);

// Refuses rotary settings of a nested config.json outside its text_config, where nobody reads them, unless
// they are said there too.
Result<void> RefuseOuterRope(const JsonFields& top, const JsonFields& text);

Result<void> ParseVision(const JsonFields& fields, VisionConfig* vision);

}  // namespace gatehouse

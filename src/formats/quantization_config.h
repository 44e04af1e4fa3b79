// What config.json says about weights that somebody rounded: those of 8 bits with scales beside them can be
// read, everything else is refused by the name of its method.
//
//   GATEHOUSE_ASSIGN(const std::optional<ScaledWeights> scaled, ParseQuantization(root, "config.json"));
#pragma once

#include <optional>
#include <string>

#include "formats/json.h"
#include "formats/model_config.h"

namespace gatehouse {

// Nothing where no weight is rounded. Looks at quantization_config and compression_config, also of
// text_config. Errors: kModel (another method, or a member that is not known to leave the weights as they are
// read here).
Result<std::optional<ScaledWeights>> ParseQuantization(const Json& root, const std::string& name);

}  // namespace gatehouse

// ConvertRecipe: how a conversion rounds, where that is more than plain rounding (src/quantise makes one from
// calibration data). Convert asks it about each tensor by its canonical name, in the order of the forward
// pass.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "backend/weight_view.h"
#include "gatehouse/result.h"

namespace gatehouse {

class Checkpoint;

// Rounds up to 32 rows of transformed weights w [rows, K] into a stored panel (kernels/quant/quant.h: values
// and scales). Called from several threads at once.
using PanelRounder = std::function<void(const float* w, int rows, uint8_t* values, float* scales)>;

class ConvertRecipe {
 public:
  virtual ~ConvertRecipe() = default;
  // Called once, before anything else: looks at the model and decides.
  virtual Result<void> Begin(const Checkpoint& checkpoint) = 0;
  // The format of a weight that would be rounded to `usual`; none: BF16.
  virtual std::optional<QuantFormat> FormatOf(const std::string& name, QuantFormat usual) const = 0;
  // Whether Edit changes this tensor: a vector that it changes is stored as float32.
  virtual bool Edits(const std::string& name) const = 0;
  // The weight to store in place of `view`: of the same shape, readable by ReadRows.
  virtual WeightView Edit(const std::string& name, const WeightView& view) const = 0;
  // How to round a weight (after Edit). The rounder is used before the next call of this function.
  virtual Result<PanelRounder> RounderOf(const std::string& name, const WeightView& view,
                                         QuantFormat format) = 0;
};

}  // namespace gatehouse

// ModulePattern: a key of a PEFT adapter's rank_pattern or alpha_pattern. It stands for the modules whose
// path ends with it, from the path's beginning or a dot on, and is a regular expression as Python writes
// them.
//
//   GATEHOUSE_ASSIGN(auto pattern, ModulePattern::Create("layers\\.[0-3]\\..*_proj", where));
//   pattern.Fits("model.layers.2.self_attn.q_proj");
#pragma once

#include <memory>
#include <string>

#include "gatehouse/result.h"

namespace gatehouse {

class ModulePattern {
 public:
  // Errors: kModel, for what is no regular expression, means something else in Python than here, or could
  // take long.
  static Result<ModulePattern> Create(const std::string& key, const std::string& where);

  bool Fits(const std::string& module) const;

 private:
  struct Compiled;
  std::shared_ptr<const Compiled> compiled_;
};

}  // namespace gatehouse

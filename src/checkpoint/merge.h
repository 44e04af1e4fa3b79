// Merge: a Hugging Face directory with an adapter's changes in its weights, by the published names: for
// whoever serves it with something else.
//
//   GATEHOUSE_TRY(Merge({.input = "llama-guard-4", .adapter = "out/adapter", .output = "my-guard"}));
#pragma once

#include <string>

#include "gatehouse/result.h"

namespace gatehouse {

struct MergeOptions {
  std::string input{};    // a Hugging Face directory, whose weights are not rounded
  std::string adapter{};  // of PEFT; empty: a copy
  std::string policy{};   // a policy file to put in, as policy.json; empty: the input's stays
  std::string output{};
};

// Errors: kModel (the input, the adapter), kUsage (the output, weights that are rounded or, of experts, kept
// together), kInternal (the disk).
Result<void> Merge(const MergeOptions& options);

}  // namespace gatehouse

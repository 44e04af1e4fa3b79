// RunState: where a run of training stands, as one file that is whole or not there: the trained values, the
// optimiser's averages, the sum of the last weights, and which step comes next. What else a run does follows
// from its settings and the seed, so that one that was killed ends with the same bytes as one left alone.
//
//   GATEHOUSE_TRY(SaveState("out/state.safetensors", {trained, optimiser, sums}, progress, ops));
//   GATEHOUSE_ASSIGN(auto found, LoadState("out/state.safetensors", parts, identity, ops));   // none: no
//   file
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "gatehouse/result.h"
#include "train/adamw.h"
#include "train/operations.h"
#include "train/trained_weights.h"

namespace gatehouse::train {

struct RunProgress {
  std::string identity;  // of the settings and the data: another run's state is refused
  int64_t next_step = 0;
  int64_t optimiser_steps = 0;  // taken
  int64_t averaged = 0;         // weights in the sums
  int64_t skipped = 0;          // steps whose loss or gradient was not finite
  double seconds = 0;           // spent so far
};

// What of a run lies in the device's memory.
struct RunParts {
  const TrainedWeights& trained;
  const AdamW& optimiser;
  std::span<const Mat> sums;  // of each tensor's values
};

// Errors: kInternal: the disk.
Result<void> SaveState(const std::string& path, const RunParts& parts, const RunProgress& progress,
                       Operations& ops);
// None where there is no such file. Errors: kUsage: the state of another run; kModel: a file that is none.
Result<std::optional<RunProgress>> LoadState(const std::string& path, const RunParts& parts,
                                             const std::string& identity, Operations& ops);

}  // namespace gatehouse::train

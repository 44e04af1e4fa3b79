// Trainer: a run of training from its first step, or from where it stood, to its adapter.
//
//   GATEHOUSE_ASSIGN(auto trainer, Trainer::Create(parts, options));
//   GATEHOUSE_TRY(trainer->Run([](const StepReport& step) { ... }));
//
// The directory `out` holds state.safetensors and metrics.html, its page (every save_every steps),
// metrics.jsonl (a line for each step) and at the end adapter/, or model/ where weights themselves are
// trained. The same settings, data, thread count and instruction set give the same adapter, byte for byte,
// whether the run was killed or not.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "checkpoint/weights.h"
#include "gatehouse/result.h"
#include "policy/policy.h"
#include "text/tokenizer.h"
#include "train/adamw.h"
#include "train/full_set.h"
#include "train/lora.h"
#include "train/network.h"
#include "train/run/batch_maker.h"
#include "train/run/examples.h"
#include "train/run/peers.h"
#include "train/run/plan.h"
#include "train/run/run_state.h"
#include "train/run/schedule.h"

namespace gatehouse::train {

struct TrainOptions {
  LoraOptions lora;
  std::optional<FullOptions> full;  // weights themselves instead
  bool recompute = false;           // layers again on the way back: less memory, more time
  std::string model;                // what the trained weights are written over: a Hugging Face directory
  std::string init_adapter;         // a directory whose matrices the run begins with; empty: none
  PlanOptions plan;
  BatchOptions batch;
  Schedule schedule;
  AdamWOptions optimiser;
  double average_last = 0.2;  // of all steps: the adapter is the mean of the weights after them; 0: the last
  int64_t save_every = 50;    // steps
  std::string out;            // directory
  std::string base_name;      // what the adapter says it belongs to
  std::string identity;       // of all that the result depends on
};

struct StepReport {
  int64_t step = 0, steps = 0;
  double loss = 0;  // mean over the step's conversations
  double norm = 0;  // of the gradient
  double rate = 0;
  bool skipped = false;  // loss or gradient was not finite: nothing has changed
  int64_t conversations = 0, tokens = 0, left_out = 0;
  double seconds = 0;  // of this step
  double seconds_left = 0;
};

// What some steps took, before a run is begun.
struct Trial {
  double seconds_a_step = 0, tokens_a_step = 0, tokens_a_second = 0;
  int64_t bytes = 0;  // beside the weights: what the way back needs, the optimiser, scratch
};

class Trainer {
 public:
  struct Parts {  // outlive it
    const Checkpoint& checkpoint;
    const Policy& policy;
    const Tokenizer& tokenizer;
    const Examples& examples;
    Operations& ops;
    PictureReader* pictures = nullptr;  // of conversations with images
    Peers* peers = nullptr;             // that each take one part of every step; none: this one takes all
  };
  // Goes on from a state that lies in the directory. Errors: kUsage: options, a state of another run; kModel:
  // the network, the adapter to begin with.
  static Result<std::unique_ptr<Trainer>> Create(const Parts& parts, const TrainOptions& options);

  int64_t next_step() const { return progress_.next_step; }
  int64_t steps() const { return plan_.steps(); }
  int64_t trained_values() const { return trained_->values(); }

  // Of a pass, by source: rows that its conversations take beside the shared beginnings. Reads every image.
  Result<std::map<std::string, int64_t>> TokensBySource();
  // Takes the first steps' time; nothing of them stays. Errors: as of Run.
  Result<Trial> Try(int64_t steps);

  // Errors: kInternal: ten steps in a row that are not finite, the disk; kBadInput: a row that cannot be
  // asked about.
  Result<void> Run(const std::function<void(const StepReport&)>& report);

 private:
  Trainer(const Parts& parts, const TrainOptions& options, Plan plan)
      : parts_(parts),
        options_(options),
        plan_(std::move(plan)),
        maker_(parts.policy, parts.tokenizer, options_.batch, parts.pictures) {}
  Result<void> ChooseWeights();
  Result<void> LoadOwnState();
  Result<void> TakeLeadersState();
  Result<void> ComputeGradients(const StepBatches& batches, double* loss);
  Result<StepReport> TakeStep(int64_t step);
  Result<void> AddToMean();
  Result<void> Save();
  Result<void> TakeMean();
  Result<void> WriteResult();
  std::string StatePath() const { return options_.out + "/state.safetensors"; }

  const Parts parts_;
  const TrainOptions options_;
  Plan plan_;
  BatchMaker maker_;
  std::unique_ptr<TrainedWeights> trained_;
  const LoraSet* lora_ = nullptr;  // what trained_ is, or null
  std::unique_ptr<Network> network_;
  std::unique_ptr<AdamW> optimiser_;
  Arena memory_;
  std::vector<Mat> sums_;  // of each tensor's values, after each of the last steps
  Mat total_;              // of the gradients of a step's parts, where there are several
  RunProgress progress_;
  int skipped_in_a_row_ = 0;
};

}  // namespace gatehouse::train

// The guard that `gatehouse bench request`, `batch`, `mixed`, `streams` and `waiting` measure, as any user
// has it: a model's files, or random weights of a named shape with a tokenizer made for the occasion.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "backend/weight_view.h"
#include "gatehouse/guard.h"
#include "gatehouse/result.h"
#include "guard/guard_impl.h"

namespace gatehouse::benchmark {

struct BenchGuardOptions {
  GuardOptions guard;                // its model is not used where a shape is named
  std::string shape;                 // as ShapeConfig; empty: the guard's model
  int layers = 0;                    // of the shape; 0: all
  std::optional<QuantFormat> quant;  // of the shape's layers; none: BF16
  std::string tokenizer;             // of a shape: tokenizer.json; empty: one made of what is asked
  int categories = 0;                // asked for by every request, custom ones; 0: the policy's own
  int tokens = 30;                   // of the user's message
};

class BenchGuard {
 public:
  // A shape is asked by the guard's policy file, else by Llama Guard 4's. Errors: as Guard::Load; kUsage:
  // shape.
  static Result<BenchGuard> Load(const BenchGuardOptions& options);

  const Guard& guard() const { return *guard_; }
  // What a user does not see: rows computed, and prompts without a conversation.
  Engine& engine() const { return *ImplOf(*guard_).engine; }
  const ClassifyOptions& request() const { return request_; }  // custom categories, or nothing
  // A message that no other number has the beginning of, as long as the options say where the tokenizer has
  // words whole; at least its number.
  Conversation Message(int number) const;

 private:
  explicit BenchGuard(const BenchGuardOptions& options) : options_(options) {}
  Result<void> LoadShape();

  BenchGuardOptions options_;
  ClassifyOptions request_;
  std::optional<Guard> guard_;
};

}  // namespace gatehouse::benchmark

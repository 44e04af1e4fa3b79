// step_bench [--rounds R] [--threads N] [--layers L] [--only f32|bf16]: what a step of training costs, at the
// starter's shape with random weights (SmolLM2-135M), LoRA of rank 20 on every linear of every layer.
//
//   share     operations of the products with frozen weights, forward and dx, over the time of a whole step
//             (AdamW included) of 1 024 token rows, as a share of the peak of those products' multiply-add.
//             Attention and LoRA's own products count as time alone.
//   packed    conversations a second behind one shared prefix, over those of whole ones, as many of either as
//             1 024 rows hold; a prefix as long as the starter's policy, messages of 1 to 40 tokens.
//   memory    beside the weights' two forms and the optimiser.
//
// Peak, packed and whole steps take turns, R times, and the best of each is compared: on a machine that does
// other things too, all see the same quiet moments.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <memory>
#include <string>
#include <vector>

#include "base/cpu.h"
#include "base/elapsed.h"
#include "benchmark/random_model.h"
#include "kernels/measure.h"
#include "kernels/tables.h"
#include "train/adamw.h"
#include "train/cpu_operations.h"
#include "train/network.h"

namespace {

using namespace gatehouse;

constexpr int64_t kRows = 1024;   // of a batch
constexpr int64_t kPrefix = 123;  // tokens of the starter's policy
constexpr int64_t kMessage = 40;  // tokens of a message, at most
constexpr int64_t kAround = 11;   // of its roles and marks, and of the answer
constexpr int64_t kRank = 20;
constexpr int64_t kMegabytes = 1500;

struct Options {
  int rounds = 5, threads = 0, layers = 0;
  std::string only;
};

template <typename T>
T Take(Result<T> result) {
  if (result.ok()) return std::move(result).value();
  std::fprintf(stderr, "%s\n", result.error().Message().c_str());
  std::exit(1);
}

struct Batch {
  train::TrainBatch batch;
  int64_t conversations = 0;
};

// As many conversations as fit, each with its verdict wanted at its end, and the rest of its answer.
Batch MakeConversations(bool packed, int32_t vocab) {
  const std::vector<int32_t> policy(static_cast<size_t>(kPrefix), 11);
  std::vector<train::TrainText> texts;
  int64_t rows = packed ? kPrefix : 0;
  for (int64_t i = 0;; ++i) {
    const int64_t own = kAround + 1 + i * 7 % kMessage;
    rows += own + (packed ? 0 : kPrefix);
    if (rows > kRows) break;
    train::TrainText text;
    if (!packed) text.ids = policy;
    for (int64_t at = 0; at < own; ++at)
      text.ids.push_back(static_cast<int32_t>((i * 7919 + at * 131 + 11) % vocab));
    const auto end = static_cast<int32_t>(text.ids.size()) - 1;
    text.targets = {{end - 1, 17, 1.0f}, {end, 2, 0.35f}};
    texts.push_back(std::move(text));
  }
  Batch out;
  out.conversations = static_cast<int64_t>(texts.size());
  out.batch = train::MakeBatch(packed ? policy : std::vector<int32_t>{}, texts);
  out.batch.divide_by = static_cast<double>(texts.size());
  return out;
}

// Of forward and dx; nobody wants that of the first layer's queries, keys and values.
double FrozenOperations(const ModelConfig& config, const train::TrainBatch& batch) {
  const auto rows = static_cast<double>(batch.rows.rows()), read = static_cast<double>(batch.targets.size());
  const double layers = benchmark::LayerProducts(config, rows, rows);
  const double first = rows * config.hidden * config.head_dim * (config.heads + 2.0 * config.kv_heads);
  const double head = 2.0 * read * config.vocab * config.hidden;
  return 2.0 * (2.0 * layers - first + head);
}

// By the wall clock, and of the processor: all threads', waiting for each other included.
struct Seconds {
  double wall = 1e30, cpu = 1e30;

  void Improve(const Seconds& other) {
    wall = std::min(wall, other.wall);
    cpu = std::min(cpu, other.cpu);
  }
};

Seconds StepSeconds(train::Network& network, train::LoraSet& lora, train::AdamW& optimiser,
                    train::Operations& ops, const train::TrainBatch& batch) {
  const Clock::time_point begin = Clock::now();
  const std::clock_t begin_cpu = std::clock();
  lora.ZeroGradients(ops);
  Take(network.Gradients(batch));
  Take(optimiser.Step(2e-4));
  return {SecondsSince(begin), static_cast<double>(std::clock() - begin_cpu) / CLOCKS_PER_SEC};
}

void Measure(const Options& options, bool f32) {
  const Isa isa = Take(ChooseIsa());
  const LinearKernel* kernel = BestLinear(f32 ? ComputeType::kF32 : ComputeType::kBF16, isa);
  if (kernel == nullptr) {
    std::printf("bf16: no such products on this machine\n");
    return;
  }
  const ModelConfig config = Take(benchmark::ShapeConfig("smollm2-135m", options.layers));
  ThreadPool pool(options.threads > 0 ? options.threads : ThreadPool::DefaultThreads());
  auto ops = Take(train::CreateCpuOperations({.threads = pool.threads(), .f32 = f32}));
  train::LoraSet lora = Take(train::LoraSet::Create(config, {.rank = kRank, .alpha = 40}, *ops));
  benchmark::RandomWeights weights(pool);
  const WeightLookup lookup = [&](const TensorSpec& spec) { return weights.Make(spec.shape, false); };
  const auto network = Take(train::Network::Create(config, lookup, lora, *ops));
  train::AdamW optimiser = Take(train::AdamW::Create(lora.tensors(), {}, *ops));

  const Batch packed = MakeConversations(true, config.vocab), whole = MakeConversations(false, config.vocab);
  Rate peak;
  Seconds packed_seconds, whole_seconds;
  for (int round = 0; round < options.rounds; ++round) {
    peak.Improve(PeakRate(pool, kernel->peak_loop, 0.2));
    packed_seconds.Improve(StepSeconds(*network, lora, optimiser, *ops, packed.batch));
    peak.Improve(PeakRate(pool, kernel->peak_loop, 0.2));
    whole_seconds.Improve(StepSeconds(*network, lora, optimiser, *ops, whole.batch));
  }
  const double operations = FrozenOperations(config, packed.batch);
  const double threads = pool.threads();
  std::printf("%s\n", ops->Describe().c_str());
  std::printf("  step of %ld rows: %.2f s, share of the peak (%.1f Gop/s) %.3f, of cpu time %.3f; bar %.2f\n",
              static_cast<long>(packed.batch.rows.rows()), packed_seconds.wall, peak.wall / 1e9,
              operations / packed_seconds.wall / peak.wall,
              operations * threads / packed_seconds.cpu / peak.cpu, f32 ? 0.60 : 0.45);
  const auto packed_count = static_cast<double>(packed.conversations),
             whole_count = static_cast<double>(whole.conversations);
  std::printf("  packed %.2f conversations/s, whole %.2f: %.2f times, of cpu time %.2f; bar 3\n",
              packed_count / packed_seconds.wall, whole_count / whole_seconds.wall,
              packed_count / packed_seconds.wall / (whole_count / whole_seconds.wall),
              packed_count / packed_seconds.cpu / (whole_count / whole_seconds.cpu));
  const double megabytes = static_cast<double>(network->TapeBytes() + ops->ScratchBytes()) / 1e6;
  std::printf("  memory of a step %.0f MB, bar %ld\n", megabytes, static_cast<long>(kMegabytes));
  std::fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string name = argv[i];
    if (name == "--rounds") options.rounds = std::max(1, std::atoi(argv[i + 1]));
    if (name == "--threads") options.threads = std::atoi(argv[i + 1]);
    if (name == "--layers") options.layers = std::atoi(argv[i + 1]);
    if (name == "--only") options.only = argv[i + 1];
  }
  std::printf("%s, best of %d\n", CpuModelName().c_str(), options.rounds);
  for (const bool f32 : {true, false}) {
    if (options.only.empty() || options.only == (f32 ? "f32" : "bf16")) Measure(options, f32);
  }
  return 0;
}

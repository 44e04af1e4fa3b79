#include "checkpoint/prune.h"

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <map>
#include <optional>

#include "base/error.h"
#include "base/input_file.h"
#include "base/output_file.h"
#include "checkpoint/canonical_name.h"
#include "checkpoint/release_pages.h"
#include "checkpoint/rewrite.h"
#include "checkpoint/weights.h"
#include "formats/json.h"
#include "formats/safetensors.h"
#include "formats/sha256.h"
#include "formats/tensor_source.h"
#include "model/tensor_table.h"

namespace gatehouse {
namespace {

namespace fs = std::filesystem;

constexpr size_t kPiece = 8u << 20;
constexpr const char* kState = "prune-state.json";

struct Item {
  std::string name;  // in the output
  const TensorView* view;
};
struct Shard {
  std::string file;
  std::vector<Item> items;
  int64_t bytes = 0;
};

// What becomes of the tensors whose names begin so (weights, and scales beside them): another beginning, or
// nothing, where they are left out.
using Moves = std::map<std::string, std::optional<std::string>, std::less<>>;

Moves MovesOf(const ModelConfig& mixture, const ModelConfig& dense) {
  Moves moves;
  const auto module = [](const ModelConfig& config, Weight weight, int layer) {
    return std::string(SpecOf(config, {weight, layer}).module()) + ".";
  };
  for (int layer = 0; layer < mixture.layers; ++layer) {
    moves[ExpertsPrefix(mixture, layer)] = std::nullopt;
    moves[module(mixture, Weight::kRouter, layer)] = std::nullopt;
    for (const Weight weight : {Weight::kGate, Weight::kUp, Weight::kDown})
      moves[module(mixture, weight, layer)] = module(dense, weight, layer);
  }
  return moves;
}

// The output's tensors in shards, in the order of the names.
std::vector<Shard> Plan(const TensorSource& source, const Moves& moves, int64_t max_bytes) {
  std::vector<Shard> shards(1);
  for (const auto& [name, view] : source.tensors()) {
    std::string own = name;
    const std::string canonical = CanonicalName(name);
    // The last beginning that sorts before the name, if any, is the one that it may have.
    const auto after = moves.upper_bound(canonical);
    if (after != moves.begin() && canonical.starts_with(std::prev(after)->first)) {
      const auto& [from, to] = *std::prev(after);
      if (!to) continue;
      // The file's spelling of what stands before the layer stays: only what differs is replaced, counted
      // from the end.
      const auto same =
          static_cast<size_t>(std::mismatch(from.begin(), from.end(), to->begin()).first - from.begin());
      own.replace(own.size() - (canonical.size() - same), from.size() - same, to->substr(same));
    }
    if (!shards.back().items.empty() && shards.back().bytes + view.bytes() > max_bytes) shards.emplace_back();
    shards.back().items.push_back({std::move(own), &view});
    shards.back().bytes += view.bytes();
  }
  for (size_t i = 0; i < shards.size(); ++i) {
    char name[64];
    std::snprintf(name, sizeof name, "model-%05zu-of-%05zu.safetensors", i + 1, shards.size());
    shards[i].file = shards.size() == 1 ? "model.safetensors" : name;
  }
  return shards;
}

// What a run would do, as a digest: an interrupted run goes on only where this is unchanged.
std::string Fingerprint(const std::vector<Shard>& shards, const std::string& config) {
  std::string text = config;
  for (const Shard& shard : shards) {
    for (const Item& item : shard.items) {
      text += shard.file + " " + item.name + " " + DTypeName(item.view->dtype) +
              ShapeString(item.view->shape) + "\n";
    }
  }
  Sha256 digest;
  digest.Update(std::as_bytes(std::span(text)));
  return digest.Hex();
}

class Run {
 public:
  Run(const PruneOptions& options, const ProgressCallback& progress, fs::path output)
      : options_(options), progress_(progress), output_(std::move(output)) {}

  Result<void> Go() {
    const std::string config_path = (fs::path(options_.input) / "config.json").string();
    GATEHOUSE_ASSIGN(const std::string text, ReadFile(config_path, 4u << 20, ErrorCode::kModel));
    GATEHOUSE_ASSIGN(const std::string config, PrunedConfig(text, config_path, options_.keep_attention));
    // Opening it checks that every tensor is there in its shape, in either expert layout.
    GATEHOUSE_ASSIGN(const std::unique_ptr<Checkpoint> checked, Checkpoint::Open(options_.input));
    GATEHOUSE_ASSIGN(const TensorSource source, TensorSource::Open(options_.input));
    GATEHOUSE_ASSIGN(const ModelConfig dense, ParseModelConfig(config, config_path));
    const std::vector<Shard> shards =
        Plan(source, MovesOf(checked->config(), dense), options_.max_shard_bytes);
    for (const Shard& shard : shards) total_ += shard.bytes;
    fingerprint_ = Fingerprint(shards, config);
    GATEHOUSE_TRY(ReadState());

    for (const Shard& shard : shards) GATEHOUSE_TRY(WriteShard(shard));
    GATEHOUSE_TRY(WriteFile((output_ / "config.json").string(), config));
    sums_["config.json"] = DigestOf(config);
    if (shards.size() > 1) GATEHOUSE_TRY(WriteIndex(shards));
    GATEHOUSE_TRY(CopyCompanions());
    std::string sums;
    for (const auto& [file, digest] : sums_) sums += digest + "  " + file + "\n";
    GATEHOUSE_TRY(WriteFile((output_ / "SHA256SUMS").string(), sums));
    std::error_code code;
    fs::remove(output_ / kState, code);
    return {};
  }

 private:
  static std::string DigestOf(const std::string& text) {
    Sha256 digest;
    digest.Update(std::as_bytes(std::span(text)));
    return digest.Hex();
  }

  void Report(int64_t bytes) {
    written_ += bytes;
    if (progress_) progress_(written_, total_);
  }

  // An empty place is a new run; a state of the same fingerprint is one to go on with; all else is somebody's
  // files.
  Result<void> ReadState() {
    GATEHOUSE_TRY(MakeDirectories(output_.string()));
    const fs::path path = output_ / kState;
    GATEHOUSE_ASSIGN(const bool has_state, IsThere(path.string(), ErrorCode::kInternal));
    if (!has_state) {
      std::error_code code;
      fs::remove(path.string() + ".part", code);  // of a run that was killed at once
      if (fs::is_empty(output_, code)) return WriteState();
      return UsageError("output exists", output_.string(), "a new or empty directory, or an interrupted run",
                        "other files");
    }
    GATEHOUSE_ASSIGN(const std::string text, ReadFile(path.string(), 16u << 20));
    GATEHOUSE_ASSIGN(const Json root, ParseJson(text, path.string(), ErrorCode::kModel, kManyMembers));
    const JsonFields fields(root, path.string());
    GATEHOUSE_ASSIGN(const std::string fingerprint, fields.String("fingerprint", ""));
    if (fingerprint != fingerprint_) {
      return UsageError("output holds an interrupted run of another model or other options", output_.string(),
                        "the same, or an empty directory", "another");
    }
    const Json* shards = fields.Find("shards");
    if (shards == nullptr || !shards->is_object()) return {};
    for (const auto& [file, digest] : shards->items()) {
      if (digest.is_string()) finished_[file] = digest.get<std::string>();
    }
    return {};
  }

  Result<void> WriteState() {
    Json root = {{"fingerprint", fingerprint_}, {"shards", Json::object()}};
    for (const auto& [file, digest] : finished_) root["shards"][file] = digest;
    return WriteFile((output_ / kState).string(), root.dump(1) + "\n");
  }

  Result<void> WriteShard(const Shard& shard) {
    const std::string path = (output_ / shard.file).string();
    GATEHOUSE_ASSIGN(const bool there, IsThere(path, ErrorCode::kInternal));
    if (const auto found = finished_.find(shard.file); found != finished_.end() && there) {
      // Read again rather than trusted: a crash of the machine may have lost what a kill does not.
      GATEHOUSE_ASSIGN(const std::string digest, Sha256OfFile(path));
      if (digest == found->second) {
        sums_[shard.file] = digest;
        Report(shard.bytes);
        return {};
      }
    }
    std::vector<TensorDeclaration> declarations;
    for (const Item& item : shard.items)
      declarations.push_back({item.name, item.view->dtype, item.view->shape});
    GATEHOUSE_ASSIGN(SafetensorsWriter writer,
                     SafetensorsWriter::Create(path, declarations, {{"format", "pt"}}));
    Sha256 digest;
    writer.Observe([&](std::span<const std::byte> bytes) { digest.Update(bytes); });
    for (const Item& item : shard.items) {
      std::span<const std::byte> bytes(item.view->data, static_cast<size_t>(item.view->bytes()));
      while (!bytes.empty()) {
        const auto piece = bytes.first(std::min(kPiece, bytes.size()));
        GATEHOUSE_TRY(writer.Append(piece));
        ReleasePages(piece);
        Report(static_cast<int64_t>(piece.size()));
        bytes = bytes.subspan(piece.size());
      }
    }
    GATEHOUSE_TRY(writer.Finish());
    finished_[shard.file] = sums_[shard.file] = digest.Hex();
    return WriteState();
  }

  Result<void> WriteIndex(const std::vector<Shard>& shards) {
    std::map<std::string, std::string> where;
    for (const Shard& shard : shards) {
      for (const Item& item : shard.items) where[item.name] = shard.file;
    }
    const Json index = {{"metadata", {{"total_size", total_}}}, {"weight_map", where}};
    const std::string text = index.dump(1) + "\n", name = "model.safetensors.index.json";
    sums_[name] = DigestOf(text);
    return WriteFile((output_ / name).string(), text);
  }

  Result<void> CopyCompanions() {
    for (const std::string& name : ModelCompanions()) {
      const std::string from = (fs::path(options_.input) / name).string(), to = (output_ / name).string();
      GATEHOUSE_ASSIGN(const bool there, IsThere(from, ErrorCode::kModel));
      if (!there) continue;
      GATEHOUSE_TRY(CopyFile(from, to, ErrorCode::kModel));
      GATEHOUSE_ASSIGN(sums_[name], Sha256OfFile(to));
    }
    return {};
  }

  const PruneOptions& options_;
  const ProgressCallback& progress_;
  fs::path output_;
  std::string fingerprint_;
  std::map<std::string, std::string> finished_;  // shard -> digest
  std::map<std::string, std::string> sums_;      // all files of the output -> digest
  int64_t total_ = 0;
  int64_t written_ = 0;
};

}  // namespace

Result<void> Prune(const PruneOptions& options, const ProgressCallback& progress) {
  if (options.output.empty()) return UsageError("no output directory", "output", "a path", "nothing");
  if (options.max_shard_bytes < 1)
    return UsageError("bad shard size", "max_shard_bytes", "at least 1",
                      std::to_string(options.max_shard_bytes));
  if (IsSameFile(options.input, options.output))
    return UsageError("the output is the input", options.output, "another directory", "the same");
  return Run(options, progress, options.output).Go();
}

}  // namespace gatehouse

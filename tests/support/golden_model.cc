#include "support/golden_model.h"

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>

#include "backend/create.h"
#include "checkpoint/prune.h"
#include "formats/safetensors.h"
#include "image/image.h"
#include "support/checkpoint_maker.h"

namespace gatehouse::test {
namespace {

const std::string kGolden = GATEHOUSE_SOURCE_DIR "/tests/golden/";

template <typename T>
T Take(Result<T> result) {
  if (!result.ok()) throw std::runtime_error(result.error().Message());
  return std::move(result).value();
}

std::vector<nlohmann::json> Lines(const std::string& path) {
  std::ifstream file(path);
  if (!file) throw std::runtime_error("missing " + path);
  std::vector<nlohmann::json> out;
  for (std::string line; std::getline(file, line);) out.push_back(nlohmann::json::parse(line));
  return out;
}

}  // namespace

std::vector<GoldenCase> GoldenCases(const std::string& model) {
  std::map<std::string, nlohmann::json> prompts;
  for (nlohmann::json& prompt : Lines(kGolden + "prompts.jsonl")) {
    const std::string name = prompt["name"].get<std::string>();
    prompts[name] = std::move(prompt);
  }
  std::vector<GoldenCase> out;
  for (nlohmann::json& row : Lines(kGolden + model + ".jsonl")) {
    const nlohmann::json& prompt = prompts.at(row["name"].get<std::string>());
    GoldenCase one;
    one.name = row["name"].get<std::string>();
    one.ids = (row.contains("ids") ? row : prompt)["ids"].get<std::vector<int32_t>>();
    one.images = prompt["images"].get<std::vector<std::string>>();
    one.row = std::move(row);
    out.push_back(std::move(one));
  }
  return out;
}

std::string GoldenCheckpoint(const std::string& name) {
  const size_t pruned = name.find("-pruned");
  if (pruned == std::string::npos) return Take(CachedCheckpoint(name));
  // Our own work, so made anew; by process, since tests run side by side.
  const std::string to = GATEHOUSE_BUILD_DIR "/checkpoints/" + name + "-" + std::to_string(::getpid());
  std::filesystem::remove_all(to);
  PruneOptions options;
  options.input = Take(CachedCheckpoint(name.substr(0, pruned)));
  options.output = to;
  options.keep_attention = name == "scout-tiny-pruned";
  const Result<void> done = Prune(options);
  if (!done.ok()) throw std::runtime_error(done.error().Message());
  return to;
}

LoadedModel LoadModel(const std::string& name, bool f32, int prefill_chunk, int threads, int64_t cache_pages,
                      bool kv_int8) {
  LoadedModel out;
  const std::string directory = GoldenCheckpoint(name);
  out.checkpoint = Take(Checkpoint::Open(directory));
  if (name.find("-pruned") != std::string::npos) std::filesystem::remove_all(directory);  // it stays mapped
  auto backend = Take(CreateBackend({.threads = threads, .f32 = f32, .kv_int8 = kv_int8}));
  auto decoder = Take(Decoder::Create(out.checkpoint->config(), out.checkpoint->lookup(), *backend));
  std::unique_ptr<VisionEncoder> vision;
  if (out.checkpoint->config().vision.present) {
    vision = Take(VisionEncoder::Create(out.checkpoint->config(), out.checkpoint->lookup(), *backend));
  }
  const int64_t page_bytes = backend->CreateKvCache(decoder->kv_shape())->BytesPerPage();
  out.engine = std::make_unique<Engine>(
      std::move(backend), std::move(decoder), std::move(vision),
      EngineOptions{.prefill_chunk = prefill_chunk, .kv_bytes = cache_pages * page_bytes});
  return out;
}

std::vector<float> GoldenPixels(const std::vector<std::string>& images, int* tiles) {
  std::vector<float> out;
  *tiles = 0;
  for (const std::string& name : images) {
    std::ifstream file(kGolden + "images/" + name, std::ios::binary);
    const std::string bytes((std::istreambuf_iterator<char>(file)), {});
    const TileSet set = Take(MakeTiles(Take(DecodeImage(bytes, name, {})), {}));
    const size_t at = out.size();
    out.resize(at + set.levels.size());
    NormaliseTiles(set, std::span(out).subspan(at));
    *tiles += set.tiles;
  }
  return out;
}

TokenInput WithImages(const std::vector<int32_t>& ids, const ImageFeatures& features) {
  TokenInput input{ids, std::vector<int32_t>(ids.size(), -1), features.rows};
  int32_t row = 0;
  for (size_t i = 0; i < ids.size(); ++i) {
    if (ids[i] == 200092) input.embedding_rows[i] = row++;
  }
  return input;
}

std::vector<float> GoldenTensor(const std::string& model, const std::string& tensor) {
  const char* shared = std::getenv("GATEHOUSE_SHARED");
  const std::string large =
      (shared != nullptr ? std::string(shared) : std::string(GATEHOUSE_SOURCE_DIR "/../shared")) + "/golden/";
  for (const std::string& directory : {kGolden, large}) {
    const std::string path = directory + model + ".safetensors";
    if (!std::filesystem::exists(path)) continue;
    const SafetensorsFile file = Take(SafetensorsFile::Open(path));
    const TensorView* view = file.Find(tensor);
    if (view == nullptr) continue;
    std::vector<float> out(static_cast<size_t>(view->elements()));
    ToFloat(*view, 0, view->elements(), out.data());
    return out;
  }
  return {};
}

double MaxDifference(const std::vector<float>& a, const std::vector<float>& b) {
  if (a.size() != b.size()) return INFINITY;
  double worst = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    const double difference = std::fabs(static_cast<double>(a[i]) - static_cast<double>(b[i]));
    worst = std::isfinite(difference) ? std::max(worst, difference) : INFINITY;
  }
  return worst;
}

}  // namespace gatehouse::test

// A loaded random checkpoint and what the reference computed with it, for tests of model, engine and guard.
#pragma once

#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "checkpoint/weights.h"
#include "engine/engine.h"

namespace gatehouse::test {

// One conversation of tests/golden/MODEL.jsonl with the ids of its prompt.
struct GoldenCase {
  std::string name;
  std::vector<int32_t> ids;
  std::vector<std::string> images;  // names under tests/golden/images
  nlohmann::json row;
};

std::vector<GoldenCase> GoldenCases(const std::string& model);

struct LoadedModel {
  std::unique_ptr<Checkpoint> checkpoint;
  std::unique_ptr<Engine> engine;
};

// name: a recipe, or "scout-tiny-pruned", "scout-tiny-pruned-lg4" (made by Prune). Throws on failure.
std::string GoldenCheckpoint(const std::string& name);
LoadedModel LoadModel(const std::string& name, bool f32, int prefill_chunk = 512, int threads = 2,
                      int64_t cache_pages = 1000, bool kv_int8 = false);

// Tiles of the images in order, normalised: f32 [tiles][3][336][336].
std::vector<float> GoldenPixels(const std::vector<std::string>& images, int* tiles);

// The ids with the patch tokens' rows pointing into features in order.
TokenInput WithImages(const std::vector<int32_t>& ids, const ImageFeatures& features);

// A tensor of tests/golden/MODEL.safetensors, or of the larger set where that is at hand (GATEHOUSE_SHARED,
// else ../shared); empty if absent.
std::vector<float> GoldenTensor(const std::string& model, const std::string& tensor);

double MaxDifference(const std::vector<float>& a, const std::vector<float>& b);

}  // namespace gatehouse::test

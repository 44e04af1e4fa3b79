// Small random checkpoints in the published Hugging Face layout, byte for byte those of
// tests/golden/make_checkpoint.py (tests compare the digests with manifest.json). Their weights follow from a
// counter-based generator.
//
//   GATEHOUSE_ASSIGN(std::string directory, test::CachedCheckpoint("lg4-tiny"));
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "gatehouse/result.h"

namespace gatehouse::test {

// One tensor of a recipe: all are BF16.
struct MadeTensor {
  enum class Kind { kLinear, kEmbedding, kNorm, kBias, kPosition };
  std::string name;
  std::vector<int64_t> shape;
  Kind kind = Kind::kLinear;
  int64_t fan_in = 0;
  double gain = 1.0;
};

// Names: lg4-tiny, lg4-verdict, lg4-small, scout-tiny, lg3-tiny, lg3-tiny-tied.
// Writes config.json, generation_config.json and the safetensors into directory (made if need be).
Result<void> WriteCheckpoint(const std::string& name, const std::string& directory);

// The same in a folder of the build tree, written once and shared by all tests (also by tests that run at
// once): read only, please.
Result<std::string> CachedCheckpoint(const std::string& name);

// The recipe's tensors in order of the file, and their values as BF16 bits.
Result<std::vector<MadeTensor>> TensorsOf(const std::string& name);
Result<std::vector<uint16_t>> ValuesOf(const std::string& name, const MadeTensor& tensor);

// A checkpoint of any other config.json text, in one file; and the tensors of such a one.
Result<std::vector<MadeTensor>> TensorsOfConfig(const std::string& config_json);
Result<void> WriteCheckpointOf(const std::string& config_json, int seed, const std::string& directory);

}  // namespace gatehouse::test

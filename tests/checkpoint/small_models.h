// Models of a few thousand values, for tests of how checkpoints are read and written.
#pragma once

#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "checkpoint/weights.h"
#include "formats/tensor_source.h"

namespace gatehouse::test {

using Json = nlohmann::ordered_json;

// config.json of a dense Llama 4 with vision, of a mixture, and of a Llama 3; sizes that are no multiples
// of 32.
Json SmallLlama4();
Json SmallScout();
Json SmallLlama(bool tied);

void WriteModel(const Json& config, const std::string& directory);  // throws if it cannot

// Copies a one-file checkpoint with other tensor names; an empty name leaves the tensor out.
void CopyRenamed(const std::string& from, const std::string& to,
                 const std::function<std::string(const std::string&)>& rename);

struct Made {
  std::string name;
  DType dtype;
  Shape shape;
  std::string bytes;
};
void WriteTensors(const std::string& path, const std::vector<Made>& tensors);  // throws if it cannot
std::vector<Made> ReadTensors(const std::string& directory);

std::vector<float> Rows(const Result<WeightView>& view);  // all of a weight; throws if there is none
std::vector<float> FloatsOf(const Made& tensor);
std::string BytesOf(const std::vector<float>& values);

// The small Llama of `directory` as a GGUF file with F32 tensors, q and k reordered; type 8 gives Q8_0
// products.
std::string AsGguf(const std::string& directory, const Json& config, uint32_t type);

std::string MessageOf(const Result<void>& result);

}  // namespace gatehouse::test

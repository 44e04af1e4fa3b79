#include "support/checkpoint_maker.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "base/error.h"
#include "base/mapped_file.h"
#include "tensor/tensor.h"

namespace gatehouse::test {
namespace {

using Json = nlohmann::ordered_json;
namespace fs = std::filesystem;

constexpr uint64_t kGolden = 0x9E3779B97F4A7C15ull;

struct Recipe {
  uint64_t seed = 0;
  Json config;
  size_t shards = 1;
  std::map<int64_t, float> head_rows;
};

Result<Recipe> FindRecipe(const std::string& name) {
  GATEHOUSE_ASSIGN(const std::string text,
                   ReadFile(GATEHOUSE_SOURCE_DIR "/tests/golden/manifest.json", 16u << 20));
  const Json manifest = Json::parse(text, nullptr, false);
  if (manifest.is_discarded() || !manifest["recipes"].contains(name))
    return UsageError("no such recipe", "manifest.json", {}, name);
  const Json& entry = manifest["recipes"][name];
  Recipe recipe;
  recipe.seed = entry["seed"].get<uint64_t>();
  recipe.config = entry["config"];
  recipe.shards = manifest["checkpoints"][name].size();
  if (entry.contains("head_rows") && entry["head_rows"].is_object()) {
    for (const auto& [row, factor] : entry["head_rows"].items())
      recipe.head_rows[std::stoll(row)] = factor.get<float>();
  }
  return recipe;
}

// Collects a recipe's tensors; the order is that of make_checkpoint.py.
class Lister {
 public:
  std::vector<MadeTensor> out;

  void Linear(const std::string& name, int64_t rows, int64_t cols, double gain = 1.0) {
    out.push_back({name + ".weight", {rows, cols}, MadeTensor::Kind::kLinear, cols, gain});
  }
  void Norm(const std::string& name, int64_t size) {
    out.push_back({name + ".weight", {size}, MadeTensor::Kind::kNorm});
  }
  void Bias(const std::string& name, int64_t size) {
    out.push_back({name + ".bias", {size}, MadeTensor::Kind::kBias});
  }
  void Position(const std::string& name, std::vector<int64_t> shape) {
    out.push_back({name, std::move(shape), MadeTensor::Kind::kPosition});
  }
  void FeedForward(const std::string& prefix, int64_t ffn, int64_t hidden) {
    Linear(prefix + "gate_proj", ffn, hidden);
    Linear(prefix + "up_proj", ffn, hidden);
    Linear(prefix + "down_proj", hidden, ffn);
  }

  void Text(const Json& text, const std::string& prefix, const std::string& mlp) {
    const auto number = [&](const char* key) { return text[key].get<int64_t>(); };
    const int64_t hidden = number("hidden_size"), head = number("head_dim"),
                  ffn = number("intermediate_size");
    const int64_t q = number("num_attention_heads") * head, kv = number("num_key_value_heads") * head;
    std::set<int64_t> moe;
    if (text.contains("moe_layers")) moe = text["moe_layers"].get<std::set<int64_t>>();
    out.push_back(
        {prefix + "model.embed_tokens.weight", {number("vocab_size"), hidden}, MadeTensor::Kind::kEmbedding});
    for (int64_t i = 0; i < number("num_hidden_layers"); ++i) {
      const std::string layer = prefix + "model.layers." + std::to_string(i) + ".";
      Norm(layer + "input_layernorm", hidden);
      Linear(layer + "self_attn.q_proj", q, hidden);
      Linear(layer + "self_attn.k_proj", kv, hidden);
      Linear(layer + "self_attn.v_proj", kv, hidden);
      Linear(layer + "self_attn.o_proj", hidden, q);
      Norm(layer + "post_attention_layernorm", hidden);
      if (moe.count(i) != 0) {
        const int64_t experts = number("num_local_experts");
        Linear(layer + mlp + ".router", experts, hidden, 4.0);
        FeedForward(layer + mlp + ".shared_expert.", ffn, hidden);
        out.push_back({layer + mlp + ".experts.gate_up_proj",
                       {experts, hidden, 2 * ffn},
                       MadeTensor::Kind::kLinear,
                       hidden});
        out.push_back(
            {layer + mlp + ".experts.down_proj", {experts, ffn, hidden}, MadeTensor::Kind::kLinear, ffn});
      } else {
        FeedForward(layer + mlp + ".", text.value("intermediate_size_mlp", ffn), hidden);
      }
    }
    Norm(prefix + "model.norm", hidden);
    if (!text["tie_word_embeddings"].get<bool>())
      Linear(prefix + "lm_head", number("vocab_size"), hidden, 2.0);
  }

  void Vision(const Json& vision, int64_t text_hidden) {
    const auto number = [&](const char* key) { return vision[key].get<int64_t>(); };
    const int64_t hidden = number("hidden_size"), ffn = number("intermediate_size"),
                  output = number("vision_output_dim");
    const int64_t patch = number("patch_size"), grid = number("image_size") / patch;
    Linear("vision_model.patch_embedding.linear", hidden, 3 * patch * patch);
    Position("vision_model.class_embedding", {hidden});
    Position("vision_model.positional_embedding_vlm", {grid * grid + 1, hidden});
    for (const char* name : {"vision_model.layernorm_pre", "vision_model.layernorm_post"}) {
      Norm(name, hidden);
      Bias(name, hidden);
    }
    for (int64_t i = 0; i < number("num_hidden_layers"); ++i) {
      const std::string layer = "vision_model.model.layers." + std::to_string(i) + ".";
      for (const char* name : {"input_layernorm", "post_attention_layernorm"}) {
        Norm(layer + name, hidden);
        Bias(layer + name, hidden);
      }
      for (const char* name : {"q", "k", "v", "o"}) {
        Linear(layer + "self_attn." + name + "_proj", hidden, hidden);
        Bias(layer + "self_attn." + name + "_proj", hidden);
      }
      Linear(layer + "mlp.fc1", ffn, hidden);
      Bias(layer + "mlp.fc1", ffn);
      Linear(layer + "mlp.fc2", hidden, ffn);
      Bias(layer + "mlp.fc2", hidden);
    }
    const double ratio = vision["pixel_shuffle_ratio"].get<double>();
    Linear("vision_model.vision_adapter.mlp.fc1", output,
           static_cast<int64_t>(static_cast<double>(hidden) / (ratio * ratio)));
    Linear("vision_model.vision_adapter.mlp.fc2", output, output);
    Linear("multi_modal_projector.linear_1", text_hidden, output);
  }
};

std::vector<MadeTensor> List(const Json& config) {
  Lister lister;
  if (config.contains("text_config")) {
    lister.Text(config["text_config"], "language_model.", "feed_forward");
    if (config.contains("vision_config")) {
      lister.Vision(config["vision_config"], config["text_config"]["hidden_size"].get<int64_t>());
    }
  } else {
    lister.Text(config, "", config["model_type"] == "llama" ? "mlp" : "feed_forward");
  }
  return std::move(lister.out);
}

int64_t Count(const MadeTensor& tensor) {
  int64_t count = 1;
  for (int64_t extent : tensor.shape) count *= extent;
  return count;
}

// Values first .. first + count of a tensor.
void Generate(const Recipe& recipe, const MadeTensor& tensor, int64_t first, int64_t count, uint16_t* out) {
  uint64_t state = 0xCBF29CE484222325ull;
  for (const char c : tensor.name) state = (state ^ static_cast<unsigned char>(c)) * 0x100000001B3ull;
  state ^= recipe.seed * kGolden;
  double scale = 0.0;
  float offset = 0.0f;
  switch (tensor.kind) {
    case MadeTensor::Kind::kLinear:
      scale = tensor.gain * std::sqrt(3.0 / static_cast<double>(tensor.fan_in));
      break;
    case MadeTensor::Kind::kEmbedding:
      scale = 0.5;
      break;
    case MadeTensor::Kind::kNorm:
      scale = 0.25;
      offset = 1.0f;
      break;
    case MadeTensor::Kind::kBias:
      scale = 0.1;
      break;
    case MadeTensor::Kind::kPosition:
      scale = 0.3;
      break;
  }
  const bool head = tensor.name.ends_with("lm_head.weight") && !recipe.head_rows.empty();
  for (int64_t i = 0; i < count; ++i) {
    uint64_t z = state + static_cast<uint64_t>(first + i + 1) * kGolden;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
    z ^= z >> 31;
    float value = static_cast<float>(z >> 40) * 0x1p-23f - 1.0f;
    value *= static_cast<float>(scale);
    value += offset;
    out[i] = FloatToBf16(value);
    if (!head) continue;
    const auto louder = recipe.head_rows.find((first + i) / tensor.shape[1]);
    if (louder != recipe.head_rows.end()) out[i] = FloatToBf16(Bf16ToFloat(out[i]) * louder->second);
  }
}

Result<void> WriteFile(const std::string& path, const std::function<void(std::ostream&)>& body) {
  std::ofstream file(path, std::ios::binary);
  body(file);
  file.flush();
  if (!file) return InternalError("cannot write file", path);
  return {};
}

Result<void> WriteSafetensors(const Recipe& recipe, const std::vector<MadeTensor>& tensors,
                              const std::string& path) {
  Json header;
  header["__metadata__"] = {{"format", "pt"}};
  int64_t at = 0;
  for (const MadeTensor& tensor : tensors) {
    const int64_t end = at + 2 * Count(tensor);
    header[tensor.name] = {{"dtype", "BF16"}, {"shape", tensor.shape}, {"data_offsets", {at, end}}};
    at = end;
  }
  std::string json = header.dump();
  json.append((8 - json.size() % 8) % 8, ' ');
  return WriteFile(path, [&](std::ostream& file) {
    const uint64_t size = json.size();
    file.write(reinterpret_cast<const char*>(&size), 8);
    file << json;
    std::vector<uint16_t> values(1 << 20);
    for (const MadeTensor& tensor : tensors) {
      for (int64_t first = 0, count = Count(tensor); first < count;
           first += static_cast<int64_t>(values.size())) {
        const int64_t some = std::min<int64_t>(count - first, static_cast<int64_t>(values.size()));
        Generate(recipe, tensor, first, some, values.data());
        file.write(reinterpret_cast<const char*>(values.data()), 2 * some);
      }
    }
  });
}

Result<void> Write(const Recipe& recipe, const std::string& directory) {
  std::error_code code;
  fs::create_directories(directory, code);
  const std::vector<MadeTensor> tensors = List(recipe.config);
  const Json& text = recipe.config.contains("text_config") ? recipe.config["text_config"] : recipe.config;
  GATEHOUSE_TRY(
      WriteFile(directory + "/config.json", [&](std::ostream& file) { file << recipe.config.dump(2); }));
  Json generation;
  for (const char* key : {"bos_token_id", "eos_token_id"}) {
    if (text.contains(key)) generation[key] = text[key];
  }
  generation["do_sample"] = false;
  GATEHOUSE_TRY(WriteFile(directory + "/generation_config.json",
                          [&](std::ostream& file) { file << generation.dump(2); }));
  if (recipe.shards == 1) return WriteSafetensors(recipe, tensors, directory + "/model.safetensors");

  Json where;
  int64_t total = 0;
  for (size_t shard = 0; shard < recipe.shards; ++shard) {
    char file[64];
    std::snprintf(file, sizeof file, "model-%05zu-of-%05zu.safetensors", shard + 1, recipe.shards);
    std::vector<MadeTensor> part;
    for (size_t i = shard; i < tensors.size(); i += recipe.shards) {
      part.push_back(tensors[i]);
      where[tensors[i].name] = file;
      total += 2 * Count(tensors[i]);
    }
    GATEHOUSE_TRY(WriteSafetensors(recipe, part, directory + "/" + file));
  }
  const Json index = {{"metadata", {{"total_size", total}}}, {"weight_map", where}};
  return WriteFile(directory + "/model.safetensors.index.json",
                   [&](std::ostream& file) { file << index.dump(1); });
}

}  // namespace

Result<void> WriteCheckpoint(const std::string& name, const std::string& directory) {
  GATEHOUSE_ASSIGN(const Recipe recipe, FindRecipe(name));
  return Write(recipe, directory);
}

Result<void> WriteCheckpointOf(const std::string& config_json, int seed, const std::string& directory) {
  Recipe recipe;
  recipe.seed = static_cast<uint64_t>(seed);
  recipe.config = Json::parse(config_json, nullptr, false);
  if (recipe.config.is_discarded()) return UsageError("not valid JSON", "config");
  return Write(recipe, directory);
}

Result<std::vector<MadeTensor>> TensorsOfConfig(const std::string& config_json) {
  const Json config = Json::parse(config_json, nullptr, false);
  if (config.is_discarded()) return UsageError("not valid JSON", "config");
  return List(config);
}

Result<std::vector<MadeTensor>> TensorsOf(const std::string& name) {
  GATEHOUSE_ASSIGN(const Recipe recipe, FindRecipe(name));
  return List(recipe.config);
}

Result<std::vector<uint16_t>> ValuesOf(const std::string& name, const MadeTensor& tensor) {
  GATEHOUSE_ASSIGN(const Recipe recipe, FindRecipe(name));
  std::vector<uint16_t> out(static_cast<size_t>(Count(tensor)));
  Generate(recipe, tensor, 0, Count(tensor), out.data());
  return out;
}

Result<std::string> CachedCheckpoint(const std::string& name) {
  const std::string base = GATEHOUSE_BUILD_DIR "/checkpoints";
  const std::string directory = base + "/" + name;
  std::error_code code;
  fs::create_directories(base, code);
  const int lock = ::open((directory + ".lock").c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0644);
  if (lock < 0 || ::flock(lock, LOCK_EX) != 0) return InternalError("cannot lock", directory);
  Result<void> written;
  if (!fs::exists(directory, code)) {
    const std::string part = directory + ".part";
    fs::remove_all(part, code);
    written = WriteCheckpoint(name, part);
    if (written.ok()) fs::rename(part, directory, code);
  }
  ::close(lock);
  if (!written.ok()) return written.error();
  return directory;
}

}  // namespace gatehouse::test

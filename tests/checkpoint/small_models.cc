#include "checkpoint/small_models.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <map>
#include <stdexcept>

#include "support/checkpoint_maker.h"
#include "support/gguf_maker.h"
#include "support/temp_dir.h"

namespace gatehouse::test {
namespace {

Json Llama4(int experts) {
  Json config = {{"architectures", {"Llama4ForConditionalGeneration"}},
                 {"model_type", "llama4"},
                 {"image_token_index", 40}};
  config["text_config"] = {{"model_type", "llama4_text"},
                           {"hidden_size", 40},
                           {"num_hidden_layers", 2},
                           {"num_attention_heads", 3},
                           {"num_key_value_heads", 1},
                           {"head_dim", 8},
                           {"intermediate_size", 36},
                           {"intermediate_size_mlp", experts > 0 ? 72 : 36},
                           {"vocab_size", 50},
                           {"tie_word_embeddings", false},
                           {"rms_norm_eps", 1e-5},
                           {"rope_theta", 500000.0},
                           {"rope_scaling", nullptr},
                           {"attention_chunk_size", nullptr},
                           {"no_rope_layers", {1, 1}},
                           {"interleave_moe_layer_step", experts > 0 ? 1 : 0},
                           {"moe_layers", Json::array()},
                           {"num_local_experts", experts},
                           {"num_experts_per_tok", 1},
                           {"max_position_embeddings", 128},
                           {"bos_token_id", 1},
                           {"eos_token_id", {2, 3}}};
  config["vision_config"] = {
      {"hidden_size", 24},         {"num_hidden_layers", 1},     {"num_attention_heads", 2},
      {"intermediate_size", 96},   {"num_channels", 3},          {"image_size", 28},
      {"patch_size", 7},           {"pixel_shuffle_ratio", 0.5}, {"vision_output_dim", 30},
      {"projector_input_dim", 30}, {"projector_output_dim", 30}};
  return config;
}

void Check(const Result<void>& result) {
  if (!result.ok()) throw std::runtime_error(result.error().Message());
}

// Blocks of 32 as ggml defines Q8_0: a half-precision scale, then 32 signed bytes.
std::string QuantiseQ8(const std::vector<float>& values) {
  std::string out;
  for (size_t block = 0; block < values.size(); block += 32) {
    float largest = 0;
    for (size_t i = 0; i < 32; ++i) largest = std::max(largest, std::abs(values[block + i]));
    const uint16_t scale = FloatToF16(largest / 127.0f);
    out.append(reinterpret_cast<const char*>(&scale), 2);
    for (size_t i = 0; i < 32; ++i) {
      const float steps = largest == 0 ? 0 : std::round(values[block + i] / F16ToFloat(scale));
      out += static_cast<char>(static_cast<int8_t>(std::clamp(steps, -127.0f, 127.0f)));
    }
  }
  return out;
}

}  // namespace

Json SmallLlama4() { return Llama4(0); }

Json SmallScout() {
  Json config = Llama4(3);
  Json& text = config["text_config"];
  text["moe_layers"] = {0, 1};
  text["no_rope_layers"] = {1, 0};
  text["attention_chunk_size"] = 16;
  text["rope_scaling"] = {{"rope_type", "llama3"},
                          {"factor", 16.0},
                          {"low_freq_factor", 1.0},
                          {"high_freq_factor", 1.0},
                          {"original_max_position_embeddings", 64}};
  return config;
}

Json SmallLlama(bool tied) {
  return {{"architectures", {"LlamaForCausalLM"}},
          {"model_type", "llama"},
          {"hidden_size", 64},
          {"num_hidden_layers", 2},
          {"num_attention_heads", 4},
          {"num_key_value_heads", 2},
          {"head_dim", 16},
          {"intermediate_size", 96},
          {"vocab_size", 70},
          {"tie_word_embeddings", tied},
          {"rms_norm_eps", 1e-5},
          {"rope_theta", 10000.0},
          {"bos_token_id", 1},
          {"eos_token_id", 2},
          {"max_position_embeddings", 128}};
}

void WriteModel(const Json& config, const std::string& directory) {
  Check(WriteCheckpointOf(config.dump(), 9, directory));
}

void WriteTensors(const std::string& path, const std::vector<Made>& tensors) {
  std::vector<TensorDeclaration> declarations;
  for (const Made& tensor : tensors) declarations.push_back({tensor.name, tensor.dtype, tensor.shape});
  std::filesystem::create_directories(std::filesystem::path(path).parent_path());
  auto writer = SafetensorsWriter::Create(path, declarations);
  if (!writer.ok()) throw std::runtime_error(writer.error().Message());
  for (const Made& tensor : tensors) Check(writer->Append(tensor.bytes.data(), tensor.bytes.size()));
  Check(writer->Finish());
}

std::vector<Made> ReadTensors(const std::string& directory) {
  const auto source = TensorSource::Open(directory);
  if (!source.ok()) throw std::runtime_error(source.error().Message());
  std::vector<Made> out;
  for (const auto& [name, view] : source->tensors()) {
    out.push_back({name, view.dtype, view.shape,
                   std::string(reinterpret_cast<const char*>(view.data), static_cast<size_t>(view.bytes()))});
  }
  return out;
}

void CopyRenamed(const std::string& from, const std::string& to,
                 const std::function<std::string(const std::string&)>& rename) {
  std::vector<Made> tensors;
  for (Made& tensor : ReadTensors(from)) {
    tensor.name = rename(tensor.name);
    if (!tensor.name.empty()) tensors.push_back(std::move(tensor));
  }
  WriteTensors(to + "/model.safetensors", tensors);
  WriteBytes(to + "/config.json", ReadBytes(from + "/config.json"));
}

std::vector<float> Rows(const Result<WeightView>& view) {
  if (!view.ok()) throw std::runtime_error(view.error().Message());
  std::vector<float> out(static_cast<size_t>(view->rows * view->cols));
  view->ReadRows(0, view->rows, out.data());
  return out;
}

std::vector<float> FloatsOf(const Made& tensor) {
  const TensorView view{tensor.dtype, tensor.shape, reinterpret_cast<const std::byte*>(tensor.bytes.data())};
  std::vector<float> out(static_cast<size_t>(view.elements()));
  ToFloat(view, 0, view.elements(), out.data());
  return out;
}

std::string BytesOf(const std::vector<float>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * 4};
}

std::string AsGguf(const std::string& directory, const Json& config, uint32_t type) {
  const auto number = [&](const char* key) { return config[key].get<uint32_t>(); };
  GgufMaker maker;
  maker.Text("general.architecture", "llama").U32("llama.embedding_length", number("hidden_size"));
  maker.U32("llama.block_count", number("num_hidden_layers"))
      .U32("llama.attention.head_count", number("num_attention_heads"));
  maker.U32("llama.attention.head_count_kv", number("num_key_value_heads"))
      .U32("llama.feed_forward_length", number("intermediate_size"));
  maker.F32("llama.attention.layer_norm_rms_epsilon", 1e-5f)
      .F32("llama.rope.freq_base", 10000.0f)
      .U32("llama.context_length", 128);
  maker.Tensor("rope_freqs.weight", 0, {number("head_dim") / 2}, BytesOf({1, 1, 1, 2, 2, 4, 8, 8}));
  const std::map<std::string, std::string> layer = {
      {"input_layernorm", "attn_norm"},    {"self_attn.q_proj", "attn_q"},
      {"self_attn.k_proj", "attn_k"},      {"self_attn.v_proj", "attn_v"},
      {"self_attn.o_proj", "attn_output"}, {"post_attention_layernorm", "ffn_norm"},
      {"mlp.gate_proj", "ffn_gate"},       {"mlp.up_proj", "ffn_up"},
      {"mlp.down_proj", "ffn_down"}};
  const std::map<std::string, std::string> whole = {
      {"model.embed_tokens", "token_embd"}, {"model.norm", "output_norm"}, {"lm_head", "output"}};
  for (const Made& tensor : ReadTensors(directory)) {
    const std::string name = tensor.name.substr(0, tensor.name.rfind(".weight"));
    std::string gguf;
    if (whole.count(name) != 0) {
      gguf = whole.at(name);
    } else {
      const size_t dot = name.find('.', 13);  // "model.layers." has 13 characters
      gguf = "blk." + name.substr(13, dot - 13) + "." + layer.at(name.substr(dot + 1));
    }
    std::vector<float> values = FloatsOf(tensor);
    if (name.ends_with("q_proj") || name.ends_with("k_proj"))
      values = ToRotaryOrder(values, config["head_dim"], tensor.shape[1]);
    const bool vector = tensor.shape.size() == 1;
    std::vector<uint64_t> sizes(tensor.shape.rbegin(), tensor.shape.rend());
    maker.Tensor(gguf + ".weight", vector ? 0 : type, sizes,
                 vector || type == 0 ? BytesOf(values) : QuantiseQ8(values));
  }
  return maker.Bytes();
}

std::string MessageOf(const Result<void>& result) {
  return result.ok() ? "no error" : result.error().Message();
}

}  // namespace gatehouse::test

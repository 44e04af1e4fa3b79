#include <fmt/core.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/mapped_file.h"
#include "checkpoint/weights.h"
#include "cli/command.h"
#include "cli/conversation_input.h"
#include "formats/safetensors.h"
#include "guard/guard_impl.h"
#include "policy/strict_json.h"

namespace gatehouse::cli {
namespace {

struct InspectFlags {
  ModelFlags model;
  RequestFlags request;
  std::string what;
  std::string conversation, texts, ids, out;
  bool all = false;
};

struct Output {
  std::string name;
  DType dtype;
  Shape shape;
  const void* data;
};

Result<void> WriteTensors(const std::string& path, const std::vector<Output>& outputs) {
  if (path.empty()) return UsageError("nowhere to write", "--out", "a file name", "nothing");
  std::vector<TensorDeclaration> declarations;
  declarations.reserve(outputs.size());
  for (const Output& output : outputs) declarations.push_back({output.name, output.dtype, output.shape});
  GATEHOUSE_ASSIGN(SafetensorsWriter writer, SafetensorsWriter::Create(path, declarations));
  for (const Output& output : outputs) {
    const int64_t bytes = TensorView{output.dtype, output.shape, nullptr}.bytes();
    GATEHOUSE_TRY(writer.Append({static_cast<const std::byte*>(output.data), static_cast<size_t>(bytes)}));
  }
  return writer.Finish();
}

void PrintIds(const std::vector<int32_t>& ids) { fmt::print("{}\n", nlohmann::json({{"ids", ids}}).dump()); }

Result<void> TokensOfTexts(const std::string& path, const Tokenizer& tokenizer) {
  std::ifstream file(path);
  if (!file) return BadInput("cannot open file", path, "a readable file", "none");
  int64_t number = 0;
  for (std::string line; std::getline(file, line);) {
    const std::string where = path + " line " + std::to_string(++number);
    GATEHOUSE_ASSIGN(const OrderedJson json, ParseStrictJson(line, where, ErrorCode::kBadInput));
    if (!json.is_object() || !json.contains("text") || !json["text"].is_string())
      return BadInput("malformed line", where, "{\"text\": ...}", Describe(json));
    PrintIds(tokenizer.Encode(json["text"].get<std::string>()));
  }
  return {};
}

Result<TokenInput> IdsFile(const std::string& path, int vocab) {
  GATEHOUSE_ASSIGN(const std::string text, ReadFile(path, 64u << 20));
  GATEHOUSE_ASSIGN(const OrderedJson json, ParseStrictJson(text, path, ErrorCode::kBadInput));
  if (!json.is_object() || !json.contains("ids") || !json["ids"].is_array() || json["ids"].empty()) {
    return BadInput("malformed ids", path, "{\"ids\": [...]}, not empty", Describe(json));
  }
  TokenInput input;
  for (const OrderedJson& id : json["ids"]) {
    if (!id.is_number_unsigned() || id.get<uint64_t>() >= static_cast<uint64_t>(vocab)) {
      return BadInput("bad token id", path, "ids below " + std::to_string(vocab), Describe(id));
    }
    input.ids.push_back(id.get<int32_t>());
  }
  return input;
}

Result<void> InspectLogits(const InspectFlags& flags, Guard::Impl& impl, const PreparedRequest* request) {
  TokenInput input;
  RequestFeatures features;
  double vision_ms = 0;
  if (request != nullptr) {
    GATEHOUSE_ASSIGN(input, impl.MakeInput(*request, &features, &vision_ms));
  } else {
    GATEHOUSE_ASSIGN(input, IdsFile(flags.ids, impl.engine->config().vocab));
  }
  std::vector<std::vector<float>> rows;
  if (flags.all) {
    GATEHOUSE_ASSIGN(rows, impl.engine->RunAllLogits(input));
  } else {
    Sequence sequence = impl.engine->NewSequence();
    const std::vector<TokenPath> end = {{}};
    GATEHOUSE_ASSIGN(rows, impl.engine->Run(sequence, input, end));
  }
  const int64_t vocab = impl.engine->config().vocab;
  std::vector<float> logits;
  for (const std::vector<float>& row : rows) logits.insert(logits.end(), row.begin(), row.end());
  const Shape shape = flags.all ? Shape{static_cast<int64_t>(rows.size()), vocab} : Shape{vocab};
  return WriteTensors(flags.out, {{"logits", DType::kF32, shape, logits.data()}});
}

Result<void> InspectPixels(const InspectFlags& flags, Guard::Impl& impl, const PreparedRequest& request) {
  if (request.tiles == 0) return BadInput("no image", "conversation", "at least one image", "none");
  const int64_t size = impl.engine->vision()->tile_size();
  std::vector<int32_t> grid;
  const std::vector<float> pixels = request.Pixels();
  for (const ImageGrid& one : request.grids) grid.insert(grid.end(), {one.rows, one.cols});
  return WriteTensors(flags.out,
                      {{"pixel_values", DType::kF32, {request.tiles, 3, size, size}, pixels.data()},
                       {"grid", DType::kI32, {static_cast<int64_t>(request.grids.size()), 2}, grid.data()}});
}

Result<void> InspectVision(const InspectFlags& flags, Guard::Impl& impl, const PreparedRequest& request) {
  if (request.tiles == 0) return BadInput("no image", "conversation", "at least one image", "none");
  GATEHOUSE_ASSIGN(const ImageFeatures features, impl.engine->EncodeTiles(request.Pixels(), request.tiles));
  std::vector<float> host(static_cast<size_t>(features.rows.rows * features.rows.cols));
  impl.engine->Download(features.rows, host.data());
  return WriteTensors(flags.out,
                      {{"image_embeds", DType::kF32, {features.rows.rows, features.rows.cols}, host.data()}});
}

Result<int> InspectFiles(const InspectFlags& flags, const GuardOptions& options) {
  GATEHOUSE_ASSIGN(const std::unique_ptr<Checkpoint> checkpoint,
                   Checkpoint::Open(options.model, options.adapter));
  if (flags.what == "config") {
    const ModelConfig& c = checkpoint->config();
    fmt::print("{}\n", nlohmann::ordered_json(
                           {{"family", c.family == ModelConfig::Family::kLlama4 ? "llama4" : "llama"},
                            {"hidden", c.hidden},
                            {"layers", c.layers},
                            {"heads", c.heads},
                            {"kv_heads", c.kv_heads},
                            {"head_dim", c.head_dim},
                            {"ffn_dense", c.ffn_dense},
                            {"ffn_expert", c.ffn_expert},
                            {"vocab", c.vocab},
                            {"tied", c.tied},
                            {"experts", c.experts},
                            {"is_moe", c.is_moe},
                            {"uses_rope", c.uses_rope},
                            {"chunked", c.chunked},
                            {"attention_chunk", c.attention_chunk},
                            {"qk_norm", c.qk_norm},
                            {"rope_theta", c.rope_theta},
                            {"rope_factor", c.rope.factor},
                            {"vision", c.vision.present},
                            {"vision_layers", c.vision.present ? c.vision.layers : 0}})
                           .dump());
    return 0;
  }
  for (const auto& [name, weight] : checkpoint->stored()) {
    fmt::print("{}\n", nlohmann::ordered_json({{"name", name},
                                               {"dtype", DTypeName(weight.tensor.dtype)},
                                               {"shape", weight.shape},
                                               {"file", weight.file}})
                           .dump());
  }
  return 0;
}

Result<int> Inspect(const InspectFlags& flags) {
  GATEHOUSE_ASSIGN(const GuardOptions options, flags.model.Resolve());
  if (flags.what == "config" || flags.what == "tensors") return InspectFiles(flags, options);
  GATEHOUSE_ASSIGN(const ClassifyOptions request_options, flags.request.Resolve());
  GATEHOUSE_ASSIGN(const Guard guard, Guard::Load(options));
  Guard::Impl& impl = guard.impl();
  if (flags.what == "tokens" && !flags.texts.empty()) {
    GATEHOUSE_TRY(TokensOfTexts(flags.texts, *impl.tokenizer));
    return 0;
  }
  if (flags.what == "logits" && !flags.ids.empty()) {
    GATEHOUSE_TRY(InspectLogits(flags, impl, nullptr));
    return 0;
  }
  const std::string from = flags.conversation.empty() ? "-" : flags.conversation;
  GATEHOUSE_ASSIGN(const ConversationInput input,
                   ReadConversationFile(from, flags.request, options.max_image_bytes));
  const ClassifyOptions merged = MergeChoice(request_options, input);
  if (flags.what == "prompt") {
    GATEHOUSE_ASSIGN(const Prompt prompt,
                     RenderPrompt(impl.policy, input.conversation, Guard::Impl::ChoiceOf(merged)));
    const std::string text = PromptText(prompt);
    std::fwrite(text.data(), 1, text.size(), stdout);
    return 0;
  }
  GATEHOUSE_ASSIGN(const PreparedRequest request, impl.Prepare(input.conversation, merged));
  if (flags.what == "tokens") {
    PrintIds(request.tokens.ids);
  } else if (flags.what == "pixels") {
    GATEHOUSE_TRY(InspectPixels(flags, impl, request));
  } else if (flags.what == "vision") {
    GATEHOUSE_TRY(InspectVision(flags, impl, request));
  } else {
    GATEHOUSE_TRY(InspectLogits(flags, impl, &request));
  }
  return 0;
}

}  // namespace

void AddInspect(CLI::App& app, Action* action) {
  CLI::App* command =
      app.add_subcommand("inspect", "Look inside: config, prompt, tokens, pixels, vision, logits, tensors");
  command->footer(
      "Examples:\n"
      "  gatehouse inspect prompt --model llama-guard-4 --conversation chat.json\n"
      "  gatehouse inspect tokens --texts texts.jsonl\n"
      "  gatehouse inspect logits --dtype f32 --conversation chat.json --out logits.safetensors");
  auto flags = std::make_shared<InspectFlags>();
  command->add_option("what", flags->what, "config, prompt, tokens, pixels, vision, logits or tensors")
      ->required()
      ->check(CLI::IsMember({"config", "prompt", "tokens", "pixels", "vision", "logits", "tensors"}));
  flags->model.AddTo(*command);
  flags->request.AddTo(*command);
  command->add_option("--conversation", flags->conversation,
                      "file with a conversation (- for standard input, the default)");
  command->add_option("--texts", flags->texts,
                      "tokens: a file with {\"text\": ...} a line, in place of a conversation");
  command->add_option("--ids", flags->ids,
                      "logits: a file with {\"ids\": [...]}, in place of a conversation");
  command->add_option("--out", flags->out, "file for the tensors (safetensors)");
  command->add_flag("--all", flags->all, "logits: of every position");
  command->callback([=] { *action = [=] { return Inspect(*flags); }; });
}

}  // namespace gatehouse::cli

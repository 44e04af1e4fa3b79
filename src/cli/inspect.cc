#include <filesystem>

#include "base/error.h"
#include "checkpoint/weights.h"
#include "cli/command.h"
#include "cli/conversation_input.h"
#include "cli/input.h"
#include "cli/json_text.h"
#include "cli/output.h"
#include "formats/json_object.h"
#include "formats/safetensors.h"
#include "guard/guard_impl.h"

namespace gatehouse::cli {
namespace {

constexpr size_t kMaxTextLine = 64u << 20;

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

Result<void> PrintIds(const std::vector<int32_t>& ids) {
  return PrintText(JsonObject().Add("ids", ids).Text() + "\n");
}

Result<void> TokensOfTexts(const std::string& path, const Tokenizer& tokenizer) {
  GATEHOUSE_ASSIGN(LineReader lines, LineReader::Open(path, kMaxTextLine));
  LineReader::Line line;
  for (int64_t number = 1;; ++number) {
    GATEHOUSE_ASSIGN(const bool more, lines.Next(&line));
    if (!more) return {};
    const std::string where = InputName(path) + " line " + std::to_string(number);
    if (line.cut)
      return BadInput("line too long", where, "at most " + std::to_string(kMaxTextLine) + " bytes", "more");
    GATEHOUSE_ASSIGN(const std::string text, ParseTextJson(line.text, where));
    GATEHOUSE_TRY(PrintIds(tokenizer.Encode(text)));
  }
}

Result<TokenInput> IdsFile(const std::string& path, int vocab) {
  GATEHOUSE_ASSIGN(const std::string text, ReadInput(path, 64u << 20));
  TokenInput input;
  GATEHOUSE_ASSIGN(input.ids, ParseIdsJson(text, InputName(path), vocab));
  return input;
}

Result<void> InspectLogits(const InspectFlags& flags, Guard::Impl& impl, const PreparedRequest* request) {
  TokenInput input;
  ImageFeatures features;
  if (request != nullptr) {
    input = impl.InputOf(*request);
    if (request->images->tiles > 0) {
      GATEHOUSE_ASSIGN(features, impl.engine->EncodeTiles(request->Pixels(), request->images->tiles));
      input.embeddings = features.rows;
    }
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
  if (request.images->tiles == 0) return BadInput("no image", "conversation", "at least one image", "none");
  const int64_t size = impl.engine->vision()->tile_size();
  std::vector<int32_t> grid;
  const std::vector<float> pixels = request.Pixels();
  for (const ImageGrid& one : request.images->grids) grid.insert(grid.end(), {one.rows, one.cols});
  return WriteTensors(
      flags.out,
      {{"pixel_values", DType::kF32, {request.images->tiles, 3, size, size}, pixels.data()},
       {"grid", DType::kI32, {static_cast<int64_t>(request.images->grids.size()), 2}, grid.data()}});
}

Result<void> InspectVision(const InspectFlags& flags, Guard::Impl& impl, const PreparedRequest& request) {
  if (request.images->tiles == 0) return BadInput("no image", "conversation", "at least one image", "none");
  GATEHOUSE_ASSIGN(const ImageFeatures features,
                   impl.engine->EncodeTiles(request.Pixels(), request.images->tiles));
  std::vector<float> host(static_cast<size_t>(features.rows.rows * features.rows.cols));
  GATEHOUSE_TRY(impl.engine->Download(features.rows, host.data()));
  return WriteTensors(flags.out,
                      {{"image_embeds", DType::kF32, {features.rows.rows, features.rows.cols}, host.data()}});
}

std::string ConfigJson(const ModelConfig& c) {
  return JsonObject()
      .Add("family", c.family == ModelConfig::Family::kLlama4 ? "llama4" : "llama")
      .Add("hidden", c.hidden)
      .Add("layers", c.layers)
      .Add("heads", c.heads)
      .Add("kv_heads", c.kv_heads)
      .Add("head_dim", c.head_dim)
      .Add("ffn_dense", c.ffn_dense)
      .Add("ffn_expert", c.ffn_expert)
      .Add("vocab", c.vocab)
      .Add("tied", c.tied)
      .Add("experts", c.experts)
      .Add("is_moe", c.is_moe)
      .Add("uses_rope", c.uses_rope)
      .Add("chunked", c.chunked)
      .Add("attention_chunk", c.attention_chunk)
      .Add("qk_norm", c.qk_norm)
      .Add("rope_theta", c.rope_theta)
      .Add("rope_factor", c.rope.factor)
      .Add("vision", c.vision.present)
      .Add("vision_layers", c.vision.present ? c.vision.layers : 0)
      .Text();
}

Result<int> InspectFiles(const InspectFlags& flags, const GuardOptions& options) {
  GATEHOUSE_ASSIGN(const std::unique_ptr<Checkpoint> checkpoint,
                   Checkpoint::Open(options.model, options.adapter));
  if (flags.what == "config") {
    GATEHOUSE_TRY(PrintText(ConfigJson(checkpoint->config()) + "\n"));
    return 0;
  }
  for (const auto& [name, weight] : checkpoint->stored()) {
    GATEHOUSE_TRY(PrintText(JsonObject()
                                .Add("name", name)
                                .Add("dtype", DTypeName(weight.tensor.dtype))
                                .Add("shape", weight.shape)
                                .Add("file", weight.file)
                                .Text() +
                            "\n"));
  }
  return 0;
}

// A name too few on the command line must not cost a model or a conversation.
Result<void> CheckOut(const InspectFlags& flags, const GuardOptions& options) {
  std::vector<std::string> inputs = {flags.conversation, flags.texts, flags.ids, options.model};
  std::error_code code;
  for (const auto& entry : std::filesystem::directory_iterator(options.model, code))
    inputs.push_back(entry.path().string());
  for (const std::string& input : inputs) {
    if (IsSameFile(input, flags.out))
      return UsageError("the output is an input", "--out", "another file", flags.out);
  }
  return {};
}

Result<int> Inspect(const InspectFlags& flags) {
  GATEHOUSE_ASSIGN(const GuardOptions options, flags.model.Resolve());
  if (!flags.out.empty()) GATEHOUSE_TRY(CheckOut(flags, options));
  if (flags.what == "config" || flags.what == "tensors") return InspectFiles(flags, options);
  GATEHOUSE_ASSIGN(const ClassifyOptions request_options, flags.request.Resolve());
  GATEHOUSE_ASSIGN(const Guard guard, Guard::Load(options));
  Guard::Impl& impl = ImplOf(guard);
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
                     RenderPrompt(guard.policy()->policy, input.conversation, Guard::Impl::ChoiceOf(merged)));
    const std::string text = PromptText(prompt);
    GATEHOUSE_TRY(PrintText(text));
    return 0;
  }
  GATEHOUSE_ASSIGN(const PreparedRequest request, impl.Prepare(*guard.policy(), input.conversation, merged));
  if (flags.what == "tokens") {
    GATEHOUSE_TRY(PrintIds(request.tokens.ids));
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

void AddInspect(Command& gatehouse) {
  Command& command =
      gatehouse.Add("inspect", "Look inside: config, prompt, tokens, pixels, vision, logits, tensors");
  command.Footer(
      "Examples:\n"
      "  gatehouse inspect prompt --model llama-guard-4 --conversation chat.json\n"
      "  gatehouse inspect tokens --texts texts.jsonl\n"
      "  gatehouse inspect logits --dtype f32 --conversation chat.json --out logits.safetensors");
  auto flags = std::make_shared<InspectFlags>();
  command.PositionalWord("what", &flags->what, "config, prompt, tokens, pixels, vision, logits or tensors")
      .OneOf({"config", "prompt", "tokens", "pixels", "vision", "logits", "tensors"});
  flags->model.AddTo(command);
  flags->request.AddTo(command);
  command.Path("--conversation", &flags->conversation,
               "file with a conversation (- for standard input, the default)");
  command.Path("--texts", &flags->texts,
               "tokens: a file with {\"text\": ...} a line, in place of a conversation");
  command.Path("--ids", &flags->ids, "logits: a file with {\"ids\": [...]}, in place of a conversation");
  command.Path("--out", &flags->out, "file for the tensors (safetensors)");
  command.Flag("--all", &flags->all, "logits: of every position");
  command.Does([=] { return Inspect(*flags); });
}

}  // namespace gatehouse::cli

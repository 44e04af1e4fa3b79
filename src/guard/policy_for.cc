// Which policy a model is asked by: the user's, the files' own, or the one that its chat template belongs to.
#include <optional>
#include <span>
#include <vector>

#include "base/error.h"
#include "base/input_file.h"
#include "base/log.h"
#include "checkpoint/companions.h"
#include "formats/sha256.h"
#include "guard/builtin_policies.h"
#include "guard/load.h"
#include "policy/template_words.h"

namespace gatehouse {
namespace {

constexpr size_t kMaxPolicyBytes = 16u << 20;
constexpr int kHiddenOfLlamaGuard3With1B = 2048;

struct Builtin {
  const char* const* json;
  const char* of;  // whose prompt it is, for messages
  ModelConfig::Family family;
  // SHA-256 of the published template. Llama Guard 3 1B's is that of the 11B, which takes text alone as well.
  const char* template_digest;
};
constexpr Builtin kBuiltin[] = {{&kMlcommonsS14Policy, "Llama Guard 4", ModelConfig::Family::kLlama4,
                                 "40782d45db7ce0d96b0b2595c698e47603e2d459b0390f5025d974c861c53e3b"},
                                {&kLlamaGuard3With8BPolicy, "Llama Guard 3 8B", ModelConfig::Family::kLlama,
                                 "5a5561f4ea9576d49d8b81328d0c7c42353549a9d610e0855ff107bf9a04c1f8"},
                                {&kLlamaGuard3With1BPolicy, "Llama Guard 3 1B", ModelConfig::Family::kLlama,
                                 "e3108570b739f3092ab9c13f9d5ae487218582a222e26d7e87825c1556cbf8e9"},
                                {&kLlamaGuard2Policy, "Llama Guard 2", ModelConfig::Family::kLlama,
                                 "19121486b4909ef54df0b8e7088db446708085b0634cd1597a523eb3b025c6c5"}};

Result<Policy> Parsed(const Builtin& builtin) {
  return ParsePolicy(*builtin.json, std::string("built-in policy of ") + builtin.of);
}

// What a model of this shape is asked where nothing says otherwise; null: nothing is known.
const Builtin* ByShape(const ModelConfig& config, const Tokenizer& tokenizer) {
  if (config.family == ModelConfig::Family::kLlama4) return &kBuiltin[0];
  if (!tokenizer.ControlId("<|start_header_id|>") || !tokenizer.ControlId("<|eot_id|>")) return nullptr;
  return config.hidden == kHiddenOfLlamaGuard3With1B ? &kBuiltin[2] : &kBuiltin[1];
}

// The policy that a template belongs to; null: none of ours.
Result<const Builtin*> OwnerOf(const ChatTemplate& found) {
  Sha256 digest;
  digest.Update(std::as_bytes(std::span(found.text)));
  const std::string hex = digest.Hex();
  for (const Builtin& builtin : kBuiltin) {
    if (hex == builtin.template_digest) return &builtin;
  }
  for (const Builtin& builtin : kBuiltin) {
    GATEHOUSE_ASSIGN(const Policy policy, Parsed(builtin));
    if (!DiffersFromPolicy(found.text, policy)) return &builtin;
  }
  return static_cast<const Builtin*>(nullptr);
}

// Llama Guard 3 8B's published template writes a space before everything else. That is how the template's
// users ask it, and nobody else: where the files have no such template, the space is left out.
Result<Policy> Worded(const Builtin& builtin, const std::optional<ChatTemplate>& found) {
  GATEHOUSE_ASSIGN(Policy policy, Parsed(builtin));
  const bool spaced = found && found->text.find(" <|begin_of_text|>") != std::string::npos;
  const FormatItem& first = policy.prompt.front();
  if (!spaced && first.kind == FormatItem::Kind::kText && first.value == " ")
    policy.prompt.erase(policy.prompt.begin());
  return policy;
}

}  // namespace

Result<Policy> PolicyFor(const GuardOptions& options, const Checkpoint& checkpoint,
                         const Tokenizer& tokenizer) {
  if (!options.policy.empty()) {
    GATEHOUSE_ASSIGN(const std::string text, ReadFile(options.policy, kMaxPolicyBytes, ErrorCode::kModel));
    return ParsePolicy(text, options.policy);
  }
  for (const std::string& directory : CompanionDirectories(options.adapter, options.model, checkpoint)) {
    const std::string path = directory + "/policy.json";
    GATEHOUSE_ASSIGN(const std::optional<std::string> text,
                     ReadFileIfThere(path, kMaxPolicyBytes, ErrorCode::kModel));
    if (text) return ParsePolicy(*text, path);
  }
  const ModelConfig& config = checkpoint.config();
  const Builtin* by_shape = ByShape(config, tokenizer);
  if (by_shape == nullptr) {
    return ModelError("no policy for this model", options.model,
                      "policy.json beside the weights, or --policy", "neither");
  }
  GATEHOUSE_ASSIGN(const std::optional<ChatTemplate> found,
                   ChatTemplateOf(options.adapter, options.model, checkpoint));
  if (!found) return Worded(*by_shape, found);
  GATEHOUSE_ASSIGN(const Builtin* owner, OwnerOf(*found));
  if (owner == nullptr || owner->family != by_shape->family) {
    GATEHOUSE_ASSIGN(const Policy expected, Parsed(*by_shape));
    const std::string why = owner != nullptr ? std::string("that of ") + owner->of
                                             : DiffersFromPolicy(found->text, expected).value_or("another");
    return ModelError(
        "the model's chat template is not one of Llama Guard's that is known for such a model, so what "
        "it was trained to be asked is not known",
        found->where,
        std::string("the template of ") +
            (config.family == ModelConfig::Family::kLlama4 ? "Llama Guard 4" : "Llama Guard 2 or 3") +
            ", or --policy FILE, which says what to ask",
        why);
  }
  if (owner != by_shape && owner->of != std::string("Llama Guard 2")) {
    Log(LogLevel::kWarn, found->where + ": the chat template is that of " + owner->of +
                             ", though the model's hidden size is " + std::to_string(config.hidden) +
                             "; it is asked as its template says");
  }
  return Worded(*owner, found);
}

}  // namespace gatehouse

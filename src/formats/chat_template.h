// ChatTemplate: the Jinja text by which a model's files say how a conversation becomes its prompt. It is
// never run here; its words tell what the model was asked in training.
//
//   GATEHOUSE_ASSIGN(auto found, FindChatTemplate("models/llama-guard-4"));
//   if (found) ... found->text, found->where
#pragma once

#include <optional>
#include <string>

#include "formats/gguf.h"
#include "gatehouse/result.h"

namespace gatehouse {

struct ChatTemplate {
  std::string text;
  std::string where;  // file and member, for messages
};

// In the order in which transformers looks: chat_template.jinja, chat_template.json, tokenizer_config.json,
// and at last processor_config.json. A list of named templates counts by the one called "default". Nothing:
// no file has one. Errors: kModel: a file that cannot be read, another type of member, several templates
// without a default.
Result<std::optional<ChatTemplate>> FindChatTemplate(const std::string& directory);

// tokenizer.chat_template of a GGUF file.
Result<std::optional<ChatTemplate>> FindChatTemplate(const GgufFile& file);

}  // namespace gatehouse

// What lies with a model and says what it is asked: its policy, its chat template.
//
//   for (const std::string& directory : CompanionDirectories(adapter, model, *checkpoint)) ...
//   GATEHOUSE_ASSIGN(auto found, ChatTemplateOf(adapter, model, *checkpoint));
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "checkpoint/weights.h"
#include "formats/chat_template.h"
#include "gatehouse/result.h"

namespace gatehouse {

// The directories to look in, the first that has something counts: the adapter's, for a fine-tune's words lie
// beside it; the one that was named; the one that it led to (a snapshot of a cache, an adapter's base). A
// GGUF file counts for the directory that it lies in, so that a model is asked the same whether its file or
// its folder was named.
std::vector<std::string> CompanionDirectories(const std::string& adapter, const std::string& model,
                                              const Checkpoint& checkpoint);

// That of the first directory that has one; where a GGUF file lies, its own comes before the folder's.
// Errors: FindChatTemplate's.
Result<std::optional<ChatTemplate>> ChatTemplateOf(const std::string& adapter, const std::string& model,
                                                   const Checkpoint& checkpoint);

}  // namespace gatehouse

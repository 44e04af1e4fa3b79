// Conversations from flags, files and lines of JSONL, with their images.
#pragma once

#include <string>
#include <vector>

#include "cli/command.h"
#include "policy/conversation_json.h"

namespace gatehouse::cli {

// How the flags want messages read: all but where paths of images lead.
ConversationOptions ConversationOptionsOf(const RequestFlags& flags, size_t max_image_bytes);

// Parses one conversation (design: a list of messages, or an object). name: for messages
// ("conversation.json", "input.jsonl line 3"). base: directory of relative image paths.
Result<ConversationInput> ReadConversationText(const std::string& json, const std::string& name,
                                               const std::string& base, const RequestFlags& flags,
                                               size_t max_image_bytes);
Result<ConversationInput> ReadConversationFile(const std::string& path, const RequestFlags& flags,
                                               size_t max_image_bytes);

// Directory that relative image paths of a file start from: --image-root, else the file's own ("-": the
// working one).
std::string ImageBase(const std::string& file, const RequestFlags& flags);

// --user T, --assistant T and --image F as one conversation.
Result<Conversation> ConversationFromFlags(const std::vector<std::string>& user,
                                           const std::vector<std::string>& assistant,
                                           const std::vector<std::string>& images, size_t max_image_bytes);

// What a request asks for: the command line's options, with the conversation's own categories in their place.
ClassifyOptions MergeChoice(const ClassifyOptions& flags, const ConversationInput& input);

}  // namespace gatehouse::cli

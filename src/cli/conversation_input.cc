#include "cli/conversation_input.h"

#include <algorithm>

#include "base/error.h"
#include "base/input_file.h"
#include "cli/input.h"

namespace gatehouse::cli {
namespace {

constexpr size_t kMaxConversationBytes = 512u << 20;

SystemMessages SystemMode(const std::string& word) {
  if (word == "drop") return SystemMessages::kDrop;
  return word == "as-user" ? SystemMessages::kAsUser : SystemMessages::kRefuse;
}

std::string Under(const std::string& base, const std::string& path) {
  return path.empty() || path.front() == '/' || base.empty() ? path : base + "/" + path;
}

}  // namespace

ConversationOptions ConversationOptionsOf(const RequestFlags& flags, size_t max_image_bytes) {
  ConversationOptions options;
  options.system = SystemMode(flags.system);
  options.tools = flags.tools == "refuse" ? ToolMessages::kRefuse : ToolMessages::kJudge;
  options.merge = flags.merge == "on";
  options.max_image_bytes = max_image_bytes;
  return options;
}

std::string ImageBase(const std::string& file, const RequestFlags& flags) {
  if (!flags.image_root.empty()) return flags.image_root;
  const size_t slash = file.rfind('/');
  return slash == std::string::npos || file == "-" ? std::string() : file.substr(0, slash);
}

Result<ConversationInput> ReadConversationText(const std::string& json, const std::string& name,
                                               const std::string& base, const RequestFlags& flags,
                                               size_t max_image_bytes) {
  ConversationOptions options = ConversationOptionsOf(flags, max_image_bytes);
  options.load_path = [&](const std::string& path) { return ReadFile(Under(base, path), max_image_bytes); };
  return ParseConversation(json, name, options);
}

Result<ConversationInput> ReadConversationFile(const std::string& path, const RequestFlags& flags,
                                               size_t max_image_bytes) {
  GATEHOUSE_ASSIGN(const std::string text, ReadInput(path, kMaxConversationBytes));
  return ReadConversationText(text, InputName(path), ImageBase(path, flags), flags, max_image_bytes);
}

Result<Conversation> ConversationFromFlags(const std::vector<std::string>& user,
                                           const std::vector<std::string>& assistant,
                                           const std::vector<std::string>& images, size_t max_image_bytes) {
  Conversation out;
  const size_t turns = std::max(user.size(), assistant.size());
  if (user.size() < assistant.size() || user.size() > assistant.size() + 1) {
    return UsageError("turns do not alternate", "--user and --assistant",
                      "one --assistant behind each --user, the last one may be missing",
                      std::to_string(user.size()) + " and " + std::to_string(assistant.size()));
  }
  for (size_t turn = 0; turn < turns; ++turn) {
    out.AddUser(user[turn]);
    if (turn < assistant.size()) out.AddAssistant(assistant[turn]);
  }
  if (images.empty()) return out;
  // Images alone make a message; with text they belong to the last user message.
  if (out.messages.empty()) out.messages.push_back({Role::kUser, {}});
  size_t at = out.messages.size() - 1;
  if (out.messages[at].role != Role::kUser) --at;
  std::vector<Part> parts;
  for (const std::string& image : images) {
    GATEHOUSE_ASSIGN(std::string bytes, ReadFile(image, max_image_bytes));
    parts.push_back(Part::Image(std::move(bytes), image));
  }
  auto& target = out.messages[at].parts;
  target.insert(target.begin(), parts.begin(), parts.end());
  return out;
}

ClassifyOptions MergeChoice(const ClassifyOptions& flags, const ConversationInput& input) {
  ClassifyOptions out = flags;
  if (!input.choice.custom.empty()) {
    out.categories = input.choice.custom;
    out.keys.clear();
  }
  out.exclude.insert(out.exclude.end(), input.choice.exclude.begin(), input.choice.exclude.end());
  return out;
}

}  // namespace gatehouse::cli

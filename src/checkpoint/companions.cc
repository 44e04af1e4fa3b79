#include "checkpoint/companions.h"

#include <filesystem>

namespace gatehouse {

std::vector<std::string> CompanionDirectories(const std::string& adapter, const std::string& model,
                                              const Checkpoint& checkpoint) {
  namespace fs = std::filesystem;
  std::vector<std::string> out;
  for (const std::string& path : {adapter, model, checkpoint.path()}) {
    if (path.empty()) continue;
    std::error_code code;
    if (!fs::is_regular_file(path, code)) {
      out.push_back(path);
      continue;
    }
    const std::string parent = fs::path(path).parent_path().string();
    out.push_back(parent.empty() ? "." : parent);
  }
  return out;
}

Result<std::optional<ChatTemplate>> ChatTemplateOf(const std::string& adapter, const std::string& model,
                                                   const Checkpoint& checkpoint) {
  std::optional<ChatTemplate> found;
  const std::vector<std::string> directories = CompanionDirectories(adapter, model, checkpoint);
  for (const std::string& directory : directories) {
    // The last one is where the weights lie. Such a folder may hold several models; a GGUF file's own words
    // are about no other.
    std::error_code code;
    if (checkpoint.gguf() != nullptr && std::filesystem::equivalent(directory, directories.back(), code)) {
      GATEHOUSE_ASSIGN(found, FindChatTemplate(*checkpoint.gguf()));
    }
    if (!found) {
      GATEHOUSE_ASSIGN(found, FindChatTemplate(directory));
    }
    if (found) break;
  }
  return found;
}

}  // namespace gatehouse

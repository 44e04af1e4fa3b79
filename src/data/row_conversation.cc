#include "data/row_conversation.h"

#include <filesystem>
#include <utility>

#include "base/error.h"
#include "base/input_file.h"
#include "data/structured_cell.h"
#include "policy/conversation_json.h"

namespace gatehouse {
namespace {

// A data set comes from elsewhere: its paths do not lead out of the folder that was named for them.
Result<std::string> LoadImage(const std::string& folder, const std::string& path, size_t max_bytes) {
  const std::filesystem::path root = std::filesystem::path(folder.empty() ? "." : folder).lexically_normal();
  const std::filesystem::path full = (root / path).lexically_normal();
  const std::string inside = full.lexically_relative(root).string();
  if (inside.empty() || inside == "." || inside == ".." || inside.starts_with("../"))
    return BadInput("image path leads elsewhere", "", "a file under " + root.string(), path.substr(0, 200));
  return ReadFile(full.string(), max_bytes);
}

}  // namespace

RowConversation::RowConversation(const DatasetFormat& format, const std::string& folder)
    : options_(format.conversation) {
  options_.load_path = [folder = format.image_root.empty() ? folder : format.image_root,
                        max_bytes = options_.max_image_bytes](const std::string& path) {
    return LoadImage(folder, path, max_bytes);
  };
}

Result<Conversation> RowConversation::Read(const Json& messages, const std::string& where) const {
  Json list = messages;
  if (list.is_string()) {
    if (auto cell = ParseCell(list.get_ref<const std::string&>())) list = std::move(*cell);
  }
  // The reader of conversations also takes an object, with its own categories and id: not here.
  if (!list.is_array())
    return BadInput("malformed conversation", where, "a list of messages, also as text in JSON or Python",
                    ShortJson(messages));
  return ReadMessages(list, where, options_);
}

}  // namespace gatehouse

#include "formats/chat_template.h"

#include "base/error.h"
#include "base/input_file.h"
#include "formats/json.h"

namespace gatehouse {
namespace {

constexpr size_t kMaxFile = 64u << 20;
constexpr const char* kMember = "chat_template";

using Found = std::optional<ChatTemplate>;

// Line ends as a program reads them that opens the file as text.
std::string UnixLines(const std::string& text) {
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\r') {
      out += '\n';
      if (i + 1 < text.size() && text[i + 1] == '\n') ++i;
    } else {
      out += text[i];
    }
  }
  return out;
}

Found Some(std::string text, std::string where) {
  if (text.empty()) return std::nullopt;
  return ChatTemplate{std::move(text), std::move(where)};
}

// [{"name": ..., "template": ...}, ...]
Result<Found> FromList(const Json& list, const std::string& where) {
  const Json* chosen = nullptr;
  for (const Json& entry : list) {
    const bool good = entry.is_object() && entry.contains("name") && entry["name"].is_string() &&
                      entry.contains("template") && entry["template"].is_string();
    if (!good) return ModelError("bad value", where, "templates with name and template", "something else");
    if (entry["name"] == "default" || list.size() == 1) chosen = &entry;
  }
  if (list.empty()) return Found();
  if (chosen == nullptr)
    return ModelError("several chat templates", where, "one called default, or --policy",
                      std::to_string(list.size()) + " of other names");
  return Some((*chosen)["template"].get<std::string>(), where);
}

Result<Found> FromJson(const std::string& path) {
  GATEHOUSE_ASSIGN(const std::optional<std::string> text, ReadFileIfThere(path, kMaxFile, ErrorCode::kModel));
  if (!text) return Found();
  GATEHOUSE_ASSIGN(const Json root, ParseJson(*text, path, ErrorCode::kModel, kManyMembers));
  if (!root.is_object()) return ModelError("bad value", path, "a JSON object", root.type_name());
  const JsonFields fields(root, path);
  const Json* value = fields.Find(kMember);
  if (value == nullptr || value->is_null()) return Found();
  if (value->is_string()) return Some(value->get<std::string>(), fields.Where(kMember));
  if (value->is_array()) return FromList(*value, fields.Where(kMember));
  return ModelError("bad value", fields.Where(kMember), "a text or a list of templates", value->type_name());
}

}  // namespace

Result<Found> FindChatTemplate(const std::string& directory) {
  const std::string jinja = directory + "/chat_template.jinja";
  GATEHOUSE_ASSIGN(const std::optional<std::string> text,
                   ReadFileIfThere(jinja, kMaxFile, ErrorCode::kModel));
  if (text && !text->empty()) return Some(UnixLines(*text), jinja);
  for (const char* name : {"/chat_template.json", "/tokenizer_config.json", "/processor_config.json"}) {
    GATEHOUSE_ASSIGN(Found found, FromJson(directory + name));
    if (found) return found;
  }
  return Found();
}

Result<Found> FindChatTemplate(const GgufFile& file) {
  constexpr const char* kKey = "tokenizer.chat_template";
  GATEHOUSE_ASSIGN(const std::string_view text, file.String(kKey, ""));
  return Some(std::string(text), file.name() + ", key '" + kKey + "'");
}

}  // namespace gatehouse

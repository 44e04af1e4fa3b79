#include "data/mapped_shape.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/error.h"
#include "data/structured_cell.h"

namespace gatehouse {
namespace {

const Json* Find(const Json& record, std::string_view path) {
  const auto whole = record.find(path);
  if (whole != record.end()) return &*whole;
  const Json* at = &record;
  for (;;) {
    const size_t dot = path.find('.');
    if (!at->is_object()) return nullptr;
    const auto next = at->find(path.substr(0, dot));
    if (next == at->end()) return nullptr;
    at = &*next;
    if (dot == std::string_view::npos) return at;
    path.remove_prefix(dot + 1);
  }
}

// "en" of "en_US".
std::string LanguageOfLocale(const std::string& locale) {
  std::string language = locale.substr(0, locale.find_first_of("_-"));
  for (char& c : language)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return language;
}

}  // namespace

const std::string* MappedShape::Column(std::string_view ours) const {
  for (const auto& [name, column] : map)
    if (name == ours) return &column;
  return nullptr;
}

// A category is translated and a locale cut, so those stay among the fields.
void MappedShape::Finish() {
  for (const auto& [name, column] : map)
    if (name != "category" && !(name == "language" && locale) && !(name == "label" && label_of_type))
      taken_.push_back(column);
}

Result<EvalRow> MappedShape::Make(const Json& record) const {
  EvalRow row;
  GATEHOUSE_ASSIGN(row.source, Text(record, "source", true));
  GATEHOUSE_ASSIGN(row.language, Text(record, "language", false));
  if (locale) row.language = LanguageOfLocale(row.language);
  GATEHOUSE_TRY(SetConversation(record, &row));
  GATEHOUSE_ASSIGN(row.unsafe, Label(record));
  const std::string* category = Column("category");
  GATEHOUSE_TRY(SetCategories(category == nullptr ? nullptr : Find(record, *category), category_map,
                              category == nullptr ? "" : *category, &row));
  TakeFields(record, taken_, &row);
  return row;
}

RowId MappedShape::IdOf(const Record& record) const {
  const std::string* column = Column("id");
  return column == nullptr ? RowId() : IdOfColumn(record, *column);
}

Result<void> MappedShape::SetConversation(const Json& record, EvalRow* row) const {
  const std::string* chat = Column("messages");
  const std::string& first = chat != nullptr ? *chat : *Column("prompt");
  Json messages = Json::array();
  if (chat != nullptr) {
    const Json* value = Find(record, first);
    if (value == nullptr || value->is_null() || *value == "")
      return BadInput("no conversation", first, "a list of messages", "nothing");
    if (Column("response") == nullptr) {
      GATEHOUSE_ASSIGN(row->conversation, conversation_.Read(*value, first));
      return {};
    }
    GATEHOUSE_TRY(AddMessages(record, "messages", "user", &messages));
  } else {
    GATEHOUSE_TRY(AddMessages(record, "prompt", "user", &messages));
    if (messages.empty()) return BadInput("no prompt", first, "text", "nothing");
  }
  GATEHOUSE_TRY(AddMessages(record, "response", "assistant", &messages));
  GATEHOUSE_ASSIGN(row->conversation, conversation_.Read(messages, first));
  return {};
}

Result<void> MappedShape::AddMessages(const Json& record, std::string_view ours, const char* role,
                                      Json* messages) const {
  const std::string* column = Column(ours);
  const Json* value = column == nullptr ? nullptr : Find(record, *column);
  Json list;
  // A column holds a text or a whole conversation, as a list or as its text in JSON or Python.
  if (value != nullptr && IsChat(*value)) {
    list = *value;
  } else {
    GATEHOUSE_ASSIGN(const std::string text, Text(record, ours, false));
    if (text.empty()) return {};
    GATEHOUSE_ASSIGN(std::optional<Json> chat, ChatOfCell(text, *column));
    if (!chat && ours == "messages")
      return BadInput("malformed conversation", *column, "a list of messages", ShortJson(*value));
    if (chat) {
      list = std::move(*chat);
    } else {
      list.push_back(Json{{"role", role}, {"content", text}});
    }
  }
  for (Json& message : list) messages->push_back(std::move(message));
  return {};
}

Result<std::string> MappedShape::Text(const Json& record, std::string_view ours, bool numbers) const {
  const std::string* column = Column(ours);
  const Json* value = column == nullptr ? nullptr : Find(record, *column);
  if (value == nullptr || value->is_null()) return std::string();
  if (value->is_string()) return value->get<std::string>();
  // Ids and sources are numbers in some sets; a number for a text to judge is a wrong column.
  if (numbers && value->is_number_integer()) return value->dump();
  return BadInput("malformed field", *column, "a string", ShortJson(*value));
}

Result<bool> MappedShape::Label(const Json& record) const {
  if (!fixed_label.empty()) return fixed_label == "unsafe";
  const std::string& column = *Column("label");
  const Json* value = Find(record, column);
  if (value == nullptr) return BadInput("no label", column, "safe or unsafe", "nothing");
  if (label_of_type) {
    if (!value->is_string() || value->get_ref<const std::string&>().empty())
      return BadInput("no type", column, "a type of prompt", ShortJson(*value));
    // XSTest: types that begin with "contrast_" are the unsafe ones.
    return value->get_ref<const std::string&>().starts_with("contrast");
  }
  GATEHOUSE_ASSIGN(const bool label, ParseLabel(*value, column));
  return label != label_inverted;
}

}  // namespace gatehouse

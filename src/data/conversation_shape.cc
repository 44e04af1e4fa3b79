#include "base/error.h"
#include "data/row_conversation.h"
#include "data/row_shape.h"
#include "image/data_url.h"
#include "policy/message_members.h"

namespace gatehouse {
namespace {

class ConversationShape : public RowShape {
 public:
  ConversationShape(const DatasetFormat& format, const std::string& folder)
      : category_map_(format.category_map), label_(format.label), conversation_(format, folder) {}

  Result<EvalRow> Make(const Json& record) const override {
    EvalRow row;
    GATEHOUSE_ASSIGN(row.source, TextMember(record, "source"));
    GATEHOUSE_ASSIGN(row.language, TextMember(record, "language"));
    GATEHOUSE_TRY(SetLabel(record, &row));
    GATEHOUSE_TRY(SetConversation(record, &row));
    GATEHOUSE_TRY(CheckRole(record, row));
    GATEHOUSE_TRY(ReadCategories(record, &row));
    GATEHOUSE_TRY(CheckKnown(record, &row));
    static const std::vector<std::string> kRead = {"id",       "source",       "language",        "role",
                                                   "messages", "conversation", "image",           "prompt",
                                                   "label",    "categories",   "categories_known"};
    TakeFields(record, kRead, &row);
    return row;
  }

  RowId IdOf(const Record& record) const override { return IdOfColumn(record, "id"); }

 private:
  Result<void> SetLabel(const Json& record, EvalRow* row) const {
    const auto label = record.find("label");
    if (label == record.end()) {
      if (label_.empty()) return BadInput("no label", "label", "safe or unsafe", "nothing");
      row->unsafe = label_ == "unsafe";
      return {};
    }
    GATEHOUSE_ASSIGN(row->unsafe, ParseLabel(*label, "label"));
    return {};
  }

  Result<void> SetConversation(const Json& record, EvalRow* row) const {
    const auto has = [&](const char* key) {
      const auto member = record.find(key);
      return member != record.end() && !member->is_null() && *member != "";
    };
    const bool messages = has("messages"), conversation = has("conversation");
    const std::string key = messages ? "messages" : conversation ? "conversation" : "image";
    if (messages && conversation)
      return BadInput("two conversations", "messages", "messages or conversation", "both");
    // Beside the messages these would be judged by whoever trained on the row, and by nobody here.
    static constexpr const char* kSaid[] = {"image", "images",    "audio",    "video",      "system",
                                            "tools", "functions", "response", "tool_calls", "function_call"};
    for (const char* name : kSaid) {
      if (key != "image" && has(name) && !IsAbsent(record[name]))
        return BadInput("member that is not judged", name, "it within " + key, ShortJson(record[name]));
    }
    if (!has(key.c_str())) return BadInput("no conversation", "messages", "a list of messages", "nothing");
    if (key == "image") {
      GATEHOUSE_ASSIGN(const Json list, ImageMessage(record));
      GATEHOUSE_ASSIGN(row->conversation, conversation_.Read(list, key));
    } else {
      GATEHOUSE_ASSIGN(row->conversation, conversation_.Read(record[key], key));
    }
    return {};
  }

  // A manifest's row has no messages: {"image": path} is a message of the image alone, and of the prompt if
  // any.
  static Result<Json> ImageMessage(const Json& record) {
    if (!record["image"].is_string())
      return BadInput("malformed field", "image", "a path", ShortJson(record["image"]));
    Json parts = Json::array();
    const std::string& place = record["image"].get_ref<const std::string&>();
    if (IsDataUrl(place)) {
      parts.push_back(Json{{"type", "image_url"}, {"image_url", {{"url", place}}}});
    } else {
      parts.push_back(Json{{"type", "image"}, {"path", place}});
    }
    GATEHOUSE_ASSIGN(const std::string prompt, TextMember(record, "prompt"));
    if (!prompt.empty()) parts.push_back(Json{{"type", "text"}, {"text", prompt}});
    Json message = {{"role", "user"}};
    message["content"] = std::move(parts);
    Json list = Json::array();
    list.push_back(std::move(message));
    return list;
  }

  static Result<void> CheckRole(const Json& record, const EvalRow& row) {
    GATEHOUSE_ASSIGN(const std::string role, TextMember(record, "role"));
    const std::string last = RoleName(row.role());
    if (!role.empty() && role != last)
      return BadInput("role differs from the last message's", "role", last, ShortJson(record["role"]));
    return {};
  }

  Result<void> ReadCategories(const Json& record, EvalRow* row) const {
    const auto at = record.find("categories");
    const Json* categories = at == record.end() ? nullptr : &*at;
    GATEHOUSE_ASSIGN(const bool any, SetCategories(categories, category_map_, "categories", row));
    // In our own shape categories are of what is unsafe, so one of the two is wrong.
    if (!row->unsafe && any)
      return BadInput("categories of a safe row", "categories", "none", ShortJson(*categories));
    return {};
  }

  static Result<void> CheckKnown(const Json& record, EvalRow* row) {
    const auto known = record.find("categories_known");
    if (known == record.end() || known->is_null()) return {};
    bool said = true;
    if (known->is_boolean()) {
      said = known->get<bool>();
    } else if (*known == "true" || *known == "false" || *known == "True" || *known == "False") {
      said = *known == "true" || *known == "True";  // in a table all values are text
    } else if (*known != "") {
      return BadInput("malformed field", "categories_known", "true or false", ShortJson(*known));
    }
    // The row can only take back: what could not be translated stays unknown.
    if (!said) row->categories_known = false;
    return {};
  }

  StringPairs category_map_;
  std::string label_;
  RowConversation conversation_;
};

}  // namespace

std::unique_ptr<RowShape> MakeConversationShape(const DatasetFormat& format, const std::string& folder) {
  return std::make_unique<ConversationShape>(format, folder);
}

}  // namespace gatehouse

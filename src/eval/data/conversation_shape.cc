#include <filesystem>
#include <utility>

#include "base/error.h"
#include "base/mapped_file.h"
#include "eval/data/row_shape.h"
#include "policy/conversation_json.h"

namespace gatehouse {
namespace {

constexpr size_t kMaxImageBytes = size_t{20} << 20;  // what the decoder takes at most

// A data set comes from elsewhere: its paths do not lead out of the folder that was named for them.
Result<std::string> LoadImage(const std::string& folder, const std::string& path) {
  const std::filesystem::path root = std::filesystem::path(folder.empty() ? "." : folder).lexically_normal();
  const std::filesystem::path full = (root / path).lexically_normal();
  const std::string inside = full.lexically_relative(root).string();
  if (inside.empty() || inside == "." || inside == ".." || inside.starts_with("../"))
    return BadInput("image path leads elsewhere", "", "a file under " + root.string(), path.substr(0, 200));
  return ReadFile(full.string(), kMaxImageBytes);
}

class ConversationShape : public RowShape {
 public:
  ConversationShape(const DatasetFormat& format, std::string folder)
      : category_map_(format.category_map), label_(format.label) {
    options_.load_path = [folder = std::move(folder)](const std::string& path) {
      return LoadImage(folder, path);
    };
  }

  Result<EvalRow> Make(const OrderedJson& record) const override {
    EvalRow row;
    GATEHOUSE_ASSIGN(row.id, TextMember(record, "id"));
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

 private:
  Result<void> SetLabel(const OrderedJson& record, EvalRow* row) const {
    const auto label = record.find("label");
    if (label == record.end()) {
      if (label_.empty()) return BadInput("no label", "label", "safe or unsafe", "nothing");
      row->unsafe = label_ == "unsafe";
      return {};
    }
    GATEHOUSE_ASSIGN(row->unsafe, ParseLabel(*label, "label"));
    return {};
  }

  Result<void> SetConversation(const OrderedJson& record, EvalRow* row) const {
    const bool messages = record.contains("messages"), conversation = record.contains("conversation");
    const std::string key = messages ? "messages" : conversation ? "conversation" : "image";
    if (messages && conversation)
      return BadInput("two conversations", "messages", "messages or conversation", "both");
    if (!record.contains(key))
      return BadInput("no conversation", "messages", "a list of messages", "nothing");
    OrderedJson list = record[key];
    if (key == "image") {
      GATEHOUSE_ASSIGN(list, ImageMessage(record));
    } else if (!list.is_array()) {
      // The reader of conversations also takes an object, with its own categories and id: not here.
      return BadInput("malformed conversation", key, "a list of messages", Describe(list));
    }
    GATEHOUSE_ASSIGN(ConversationInput input, ParseConversation(list.dump(), key, options_));
    row->conversation = std::move(input.conversation);
    return {};
  }

  // A manifest's row has no messages: {"image": path} is a message of the image alone, and of the prompt if
  // any.
  static Result<OrderedJson> ImageMessage(const OrderedJson& record) {
    if (!record["image"].is_string())
      return BadInput("malformed field", "image", "a path", Describe(record["image"]));
    OrderedJson parts = OrderedJson::array();
    parts.push_back(OrderedJson{{"type", "image"}, {"path", record["image"]}});
    GATEHOUSE_ASSIGN(const std::string prompt, TextMember(record, "prompt"));
    if (!prompt.empty()) parts.push_back(OrderedJson{{"type", "text"}, {"text", prompt}});
    OrderedJson message = {{"role", "user"}};
    message["content"] = std::move(parts);
    OrderedJson list = OrderedJson::array();
    list.push_back(std::move(message));
    return list;
  }

  static Result<void> CheckRole(const OrderedJson& record, const EvalRow& row) {
    GATEHOUSE_ASSIGN(const std::string role, TextMember(record, "role"));
    const std::string last = RoleName(row.role());
    if (!role.empty() && role != last)
      return BadInput("role differs from the last message's", "role", last, Describe(record["role"]));
    return {};
  }

  Result<void> ReadCategories(const OrderedJson& record, EvalRow* row) const {
    const auto at = record.find("categories");
    const OrderedJson* categories = at == record.end() ? nullptr : &*at;
    GATEHOUSE_TRY(SetCategories(categories, category_map_, "categories", row));
    // In our own shape categories are of what is unsafe, so one of the two is wrong.
    if (!row->unsafe && categories != nullptr && !categories->empty())
      return BadInput("categories of a safe row", "categories", "none", Describe(*categories));
    return {};
  }

  static Result<void> CheckKnown(const OrderedJson& record, EvalRow* row) {
    const auto known = record.find("categories_known");
    if (known == record.end() || known->is_null()) return {};
    if (!known->is_boolean())
      return BadInput("malformed field", "categories_known", "true or false", Describe(*known));
    // The row can only take back: what could not be translated stays unknown.
    if (!known->get<bool>()) row->categories_known = false;
    return {};
  }

  StringPairs category_map_;
  std::string label_;
  ConversationOptions options_;
};

}  // namespace

std::unique_ptr<RowShape> MakeConversationShape(const DatasetFormat& format, const std::string& folder) {
  return std::make_unique<ConversationShape>(format, folder);
}

}  // namespace gatehouse

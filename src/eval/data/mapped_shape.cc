#include <algorithm>
#include <array>
#include <optional>
#include <string_view>
#include <utility>

#include "base/error.h"
#include "eval/data/clean_text.h"
#include "eval/data/row_shape.h"

namespace gatehouse {
namespace {

constexpr std::array<std::string_view, 7> kNames = {"prompt", "response", "label", "category",
                                                    "id",     "language", "source"};

const StringPairs& HazardKeys() {
  static const StringPairs kKeys = {{"vcr", "S1"},     {"ncr", "S2"},  {"src", "S3"},     {"cse", "S4"},
                                    {"dfm", "S5"},     {"spc", "S6"},  {"spc_fin", "S6"}, {"spc_hlt", "S6"},
                                    {"spc_lgl", "S6"}, {"prv", "S7"},  {"ipv", "S8"},     {"iwp", "S9"},
                                    {"hte", "S10"},    {"ssh", "S11"}, {"sxc", "S12"},    {"sxc_prn", "S12"},
                                    {"spc_ele", "S13"}};
  return kKeys;
}

// Only these two groups of unsafe prompts lie in one category as a whole.
const StringPairs& ContrastKeys() {
  static const StringPairs kKeys = {{"contrast_discr", "S10"}, {"contrast_privacy", "S7"}};
  return kKeys;
}

const OrderedJson* Find(const OrderedJson& record, std::string_view path) {
  const auto whole = record.find(path);
  if (whole != record.end()) return &*whole;
  const OrderedJson* at = &record;
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

class MappedShape : public RowShape {
 public:
  StringPairs map;  // ours -> theirs
  StringPairs category_map;
  std::string fixed_label;
  bool label_turned = false;
  bool label_of_type = false;  // XSTest's older file: the column holds a type, "contrast..." is unsafe
  bool locale = false;         // the language column holds locales

  const std::string* Column(std::string_view ours) const {
    for (const auto& [name, column] : map)
      if (name == ours) return &column;
    return nullptr;
  }

  // Fields that the row does not repeat; a category is translated and a locale cut, so those stay.
  void Finish() {
    for (const auto& [name, column] : map)
      if (name != "category" && !(name == "language" && locale) && !(name == "label" && label_of_type))
        taken_.push_back(column);
  }

  Result<EvalRow> Make(const OrderedJson& record) const override {
    EvalRow row;
    GATEHOUSE_ASSIGN(row.id, Text(record, "id", true));
    GATEHOUSE_ASSIGN(row.source, Text(record, "source", true));
    GATEHOUSE_ASSIGN(row.language, Text(record, "language", false));
    if (locale) row.language = LanguageOfLocale(row.language);
    GATEHOUSE_ASSIGN(std::string prompt, Text(record, "prompt", false));
    if (prompt.empty()) return BadInput("no prompt", *Column("prompt"), "text", "nothing");
    row.conversation.AddUser(std::move(prompt));
    GATEHOUSE_ASSIGN(std::string response, Text(record, "response", false));
    if (!response.empty()) row.conversation.AddAssistant(std::move(response));
    GATEHOUSE_ASSIGN(row.unsafe, Label(record));
    const std::string* category = Column("category");
    GATEHOUSE_TRY(SetCategories(category == nullptr ? nullptr : Find(record, *category), category_map,
                                category == nullptr ? "" : *category, &row));
    TakeFields(record, taken_, &row);
    return row;
  }

 private:
  // "" where nothing is mapped, or the record has nothing there.
  Result<std::string> Text(const OrderedJson& record, std::string_view ours, bool numbers) const {
    const std::string* column = Column(ours);
    const OrderedJson* value = column == nullptr ? nullptr : Find(record, *column);
    if (value == nullptr || value->is_null()) return std::string();
    if (value->is_string()) return value->get<std::string>();
    if (numbers && value->is_number_integer()) return value->dump();
    return BadInput("malformed field", *column, "a string", Describe(*value));
  }

  Result<bool> Label(const OrderedJson& record) const {
    if (!fixed_label.empty()) return fixed_label == "unsafe";
    const std::string& column = *Column("label");
    const OrderedJson* value = Find(record, column);
    if (value == nullptr) return BadInput("no label", column, "safe or unsafe", "nothing");
    if (label_of_type) {
      if (!value->is_string() || value->get_ref<const std::string&>().empty())
        return BadInput("no type", column, "a type of prompt", Describe(*value));
      return value->get_ref<const std::string&>().starts_with("contrast");
    }
    GATEHOUSE_ASSIGN(const bool label, ParseLabel(*value, column));
    return label != label_turned;
  }

  std::vector<std::string> taken_;
};

class Columns {
 public:
  Columns(const std::vector<std::string>* names, const std::string& file) : names_(names), file_(file) {}

  bool Has(const std::string& name) const {
    return std::find(names_->begin(), names_->end(), name) != names_->end();
  }
  // Maps ours to the first of theirs that the file has.
  Result<void> Map(const char* ours, std::initializer_list<const char*> theirs, MappedShape* shape) const {
    std::string wanted;
    for (const char* name : theirs) {
      if (Has(name)) {
        shape->map.emplace_back(ours, name);
        return {};
      }
      wanted += (wanted.empty() ? "" : " or ") + std::string(name);
    }
    return Missing(wanted);
  }
  Error Missing(const std::string& wanted) const {
    std::string found;
    for (const std::string& name : *names_) found += (found.empty() ? "" : ", ") + CleanText(name, 40);
    return BadInput("no such column", file_, wanted, CleanText(found, 400));
  }

 private:
  const std::vector<std::string>* names_;
  const std::string& file_;
};

Result<void> PrepareAiluminate(const Columns& columns, MappedShape* shape) {
  GATEHOUSE_TRY(columns.Map("prompt", {"prompt_text"}, shape));
  GATEHOUSE_TRY(columns.Map("category", {"hazard"}, shape));
  GATEHOUSE_TRY(columns.Map("id", {"release_prompt_id", "prompt_uid"}, shape));
  if (columns.Has("locale")) shape->map.emplace_back("language", "locale");
  shape->locale = true;
  if (shape->fixed_label.empty()) shape->fixed_label = "unsafe";
  if (shape->category_map.empty()) shape->category_map = HazardKeys();
  return {};
}

Result<void> PrepareXsTest(const Columns& columns, MappedShape* shape) {
  GATEHOUSE_TRY(columns.Map("prompt", {"prompt"}, shape));
  GATEHOUSE_TRY(columns.Map("category", {"type"}, shape));
  GATEHOUSE_TRY(columns.Map("id", {"id", "id_v2"}, shape));
  shape->label_of_type = !columns.Has("label");
  shape->map.emplace_back("label", shape->label_of_type ? "type" : "label");
  if (shape->category_map.empty()) shape->category_map = ContrastKeys();
  return {};
}

Result<void> PrepareMap(const DatasetFormat& format, const std::string& name,
                        const std::vector<std::string>* columns, MappedShape* shape) {
  GATEHOUSE_TRY(CheckMapNames(format.map, name));
  shape->map = format.map;
  for (auto& [ours, theirs] : shape->map) {
    if (ours == "label" && theirs.starts_with('!')) {
      shape->label_turned = true;
      theirs.erase(0, 1);
    }
    if (columns != nullptr && !Columns(columns, name).Has(theirs))
      return Columns(columns, name).Missing(theirs);
  }
  if (shape->Column("prompt") == nullptr)
    return BadInput("incomplete map", name, "prompt=..., and label=... unless all rows have one label",
                    "no prompt");
  if ((shape->Column("label") == nullptr) == format.label.empty()) {
    return BadInput("no label, or two", name, "a column for the label, or one label for all rows",
                    format.label.empty() ? "neither" : "both");
  }
  return {};
}

}  // namespace

Result<void> CheckMapNames(const StringPairs& map, const std::string& where) {
  for (size_t i = 0; i < map.size(); ++i) {
    const std::string& ours = map[i].first;
    if (std::find(kNames.begin(), kNames.end(), ours) == kNames.end()) {
      return BadInput("malformed map", where, "prompt, response, label, category, id, language or source",
                      "\"" + ours + "\"");
    }
    for (size_t k = 0; k < i; ++k)
      if (map[k].first == ours)
        return BadInput("malformed map", where, "each name once", "\"" + ours + "\" twice");
    if (map[i].second.empty() || map[i].second == "!")
      return BadInput("malformed map", where, "a column for " + ours, "nothing");
  }
  return {};
}

Result<std::unique_ptr<RowShape>> MakeMappedShape(const DatasetFormat& format, const std::string& name,
                                                  const std::vector<std::string>* columns) {
  auto shape = std::make_unique<MappedShape>();
  shape->category_map = format.category_map;
  shape->fixed_label = format.label;
  if (format.format == "ailuminate") {
    GATEHOUSE_TRY(PrepareAiluminate(Columns(columns, name), shape.get()));
  } else if (format.format == "xstest") {
    shape->fixed_label.clear();
    GATEHOUSE_TRY(PrepareXsTest(Columns(columns, name), shape.get()));
  } else {
    GATEHOUSE_TRY(PrepareMap(format, name, columns, shape.get()));
  }
  shape->Finish();
  return std::unique_ptr<RowShape>(std::move(shape));
}

}  // namespace gatehouse

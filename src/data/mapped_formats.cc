// The formats that a map describes: a map of the user's, and public tables whose columns are known.
#include <algorithm>
#include <array>
#include <initializer_list>
#include <string_view>
#include <utility>

#include "base/error.h"
#include "data/clean_text.h"
#include "data/mapped_shape.h"

namespace gatehouse {
namespace {

constexpr std::array<std::string_view, 8> kNames = {"prompt",   "messages", "response", "label",
                                                    "category", "id",       "language", "source"};

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
      shape->label_inverted = true;
      theirs.erase(0, 1);
    }
    if (columns != nullptr && !Columns(columns, name).Has(theirs))
      return Columns(columns, name).Missing(theirs);
  }
  if ((shape->Column("prompt") == nullptr) == (shape->Column("messages") == nullptr))
    return BadInput("incomplete map", name,
                    "prompt=... or messages=..., and label=... unless all rows have one label",
                    shape->Column("prompt") == nullptr ? "no prompt" : "both prompt and messages");
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
      return BadInput("malformed map", where,
                      "prompt, messages, response, label, category, id, language or source",
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
                                                  const std::vector<std::string>* columns,
                                                  const std::string& folder) {
  auto shape = std::make_unique<MappedShape>(format, folder);
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

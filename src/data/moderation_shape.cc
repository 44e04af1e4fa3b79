#include <array>

#include "base/error.h"
#include "data/row_shape.h"

namespace gatehouse {
namespace {

constexpr std::array<const char*, 8> kFlags = {"V", "V2", "S3", "H", "H2", "HR", "SH", "S"};

// Harassment (HR) is no category of the taxonomy, and graphic violence (V2) none of its own.
const StringPairs& KeysOfFlags() {
  static const StringPairs kKeys = {{"V", "S1"},   {"S3", "S4"},  {"H", "S10"},
                                    {"H2", "S10"}, {"SH", "S11"}, {"S", "S12"}};
  return kKeys;
}

class ModerationShape : public RowShape {
 public:
  explicit ModerationShape(const DatasetFormat& format)
      : map_(format.category_map.empty() ? KeysOfFlags() : format.category_map) {}

  Result<EvalRow> Make(const Json& record) const override {
    EvalRow row;
    const auto prompt = record.find("prompt");
    if (prompt == record.end() || !prompt->is_string() || prompt->get_ref<const std::string&>().empty())
      return BadInput("no prompt", "prompt", "a string",
                      prompt == record.end() ? "nothing" : ShortJson(*prompt));
    row.conversation.AddUser(prompt->get<std::string>());
    Json translated = Json::array();
    bool any = false;
    for (const char* flag : kFlags) {
      // A flag that is absent was not judged, which the data's own figures count as not set.
      const auto at = record.find(flag);
      if (at == record.end() || at->is_null()) continue;
      any = true;
      GATEHOUSE_ASSIGN(const bool set, ParseLabel(*at, flag));
      row.unsafe = row.unsafe || set;
      for (const auto& [theirs, key] : map_)
        if (set && theirs == flag) translated.push_back(key);
    }
    if (!any) return BadInput("no label", "S, H, V, ...", "at least one flag", "nothing");
    // One flag that translates is enough: the others (HR beside H) have no key that would be missing here.
    GATEHOUSE_TRY(SetCategories(&translated, {}, "categories", &row));
    TakeFields(record, {"id", "prompt"}, &row);
    return row;
  }

  RowId IdOf(const Record& record) const override { return IdOfColumn(record, "id"); }

 private:
  StringPairs map_;
};

}  // namespace

std::unique_ptr<RowShape> MakeModerationShape(const DatasetFormat& format) {
  return std::make_unique<ModerationShape>(format);
}

}  // namespace gatehouse

#include "data/row_shape.h"
#include "policy/raw_member.h"

namespace gatehouse {
namespace {

// As a mapped column is found: a member of the whole name, else one inside of another for each dot.
std::string_view RawAt(std::string_view object, std::string_view path) {
  const std::string_view whole = RawMember(object, path);
  if (!whole.empty()) return whole;
  for (;;) {
    const size_t dot = path.find('.');
    object = RawMember(object, path.substr(0, dot));
    if (dot == path.npos || !object.starts_with('{')) return dot == path.npos ? object : std::string_view();
    path.remove_prefix(dot + 1);
  }
}

}  // namespace

RowId IdOfRaw(std::string_view raw) {
  if (raw.empty() || raw == "null") return {};
  RowId out{std::string(), OnOneLine(raw)};
  const Json value = raw.front() == '"' ? Json::parse(raw, nullptr, false) : Json();
  out.text = value.is_string() ? value.get<std::string>() : out.json;
  return out;
}

RowId IdOfColumn(const Record& record, std::string_view column) {
  if (!record.text.empty()) return IdOfRaw(RawAt(record.text, column));
  if (!record.value.is_object()) return {};
  const auto cell = record.value.find(column);
  // An empty cell is how a table says that there is none.
  if (cell == record.value.end() || !cell->is_string() || *cell == "") return {};
  return {cell->get<std::string>(), cell->dump()};
}

}  // namespace gatehouse

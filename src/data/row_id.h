// The id of a row, twice: for people and hashes, and as it stands in the data.
#pragma once

#include <string>
#include <string_view>

namespace gatehouse {

struct RowId {
  std::string text;  // of a string: what it says; of all else: its JSON
  std::string json;  // byte for byte; both empty where there is none
};

// raw: JSON, or empty. null is no id.
RowId IdOfRaw(std::string_view raw);

}  // namespace gatehouse

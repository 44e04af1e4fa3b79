// MappedShape: a row by the columns of a table, or the members of an object, that a map names.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "data/row_conversation.h"
#include "data/row_shape.h"

namespace gatehouse {

class MappedShape : public RowShape {
 public:
  MappedShape(const DatasetFormat& format, const std::string& folder) : conversation_(format, folder) {}

  StringPairs map;  // ours -> theirs
  StringPairs category_map;
  std::string fixed_label;
  bool label_inverted = false;
  bool label_of_type = false;  // XSTest's older file: the column holds a type, "contrast..." is unsafe
  bool locale = false;         // the language column holds locales

  // Theirs, or null.
  const std::string* Column(std::string_view ours) const;
  // When everything above is said.
  void Finish();

  Result<EvalRow> Make(const Json& record) const override;
  RowId IdOf(const Record& record) const override;

 private:
  // The messages of the prompt's column, then those of the response's: a text is one message, a list of
  // messages (also as text) stands for itself.
  Result<void> SetConversation(const Json& record, EvalRow* row) const;
  Result<void> AddMessages(const Json& record, std::string_view ours, const char* role, Json* messages) const;
  // "" where nothing is mapped, or the record has nothing there.
  Result<std::string> Text(const Json& record, std::string_view ours, bool numbers) const;
  Result<bool> Label(const Json& record) const;

  RowConversation conversation_;
  std::vector<std::string> taken_;  // fields that the row does not repeat
};

}  // namespace gatehouse

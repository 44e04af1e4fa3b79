// RowShape: how one record becomes one row.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "data/dataset.h"
#include "data/labels.h"
#include "data/record_reader.h"
#include "data/row.h"
#include "data/row_id.h"
#include "formats/json.h"
#include "gatehouse/result.h"

namespace gatehouse {

// The id in this column of a table, or at this path of an object ("meta.id").
RowId IdOfColumn(const Record& record, std::string_view column);

class RowShape {
 public:
  virtual ~RowShape() = default;
  // Leaves id, source and language empty where the record does not say them. An error is a problem of this
  // row.
  virtual Result<EvalRow> Make(const Json& record) const = 0;
  // Of a record that may be no row, and whose value may be missing.
  virtual RowId IdOf(const Record& record) const = 0;
};

// "gatehouse" and "guardbench": a list of messages, or an image, in each record, which may be a line of a
// table, too. folder: where image paths begin.
std::unique_ptr<RowShape> MakeConversationShape(const DatasetFormat& format, const std::string& folder);

// "csv" and "jsonl" with a map, and the formats that are a CSV file with known columns: "ailuminate",
// "xstest". columns: of a CSV file, else null. Errors: kBadInput for a map that names no prompt, or a column
// that is not there.
Result<std::unique_ptr<RowShape>> MakeMappedShape(const DatasetFormat& format, const std::string& name,
                                                  const std::vector<std::string>* columns,
                                                  const std::string& folder);

// "openai-moderation": a prompt and a flag for each of eight categories.
std::unique_ptr<RowShape> MakeModerationShape(const DatasetFormat& format);

// Errors: kBadInput where our name for a mapped field is none.
Result<void> CheckMapNames(const StringPairs& map, const std::string& where);

}  // namespace gatehouse

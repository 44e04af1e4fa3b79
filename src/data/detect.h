// What kind of file a data file is, by its name, its header and its first record.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "data/dataset.h"
#include "data/record_reader.h"
#include "gatehouse/result.h"

namespace gatehouse {

// The file's name without folder and endings: "test" of "data/test.jsonl.gz".
std::string DatasetStem(std::string_view path);

// Errors: kBadInput where the name is no format's.
Result<void> CheckFormatName(const std::string& format, const std::string& where);

// Whether the file holds CSV. first: its first byte that is not white space.
bool LooksLikeCsv(std::string_view path, char first);
bool IsNamedAsCsv(std::string_view path);
bool IsTabSeparated(std::string_view path);

// The format of a file whose format is "auto", given its header (CSV) or its first record (JSONL). has_map: a
// map was given, so it is "csv" or "jsonl". Errors: kBadInput where it cannot tell, which says what to do.
Result<std::string> DetectCsv(const std::vector<std::string>& columns, bool has_map, const std::string& name);
Result<std::string> DetectJsonl(const Record& first, bool has_map, const std::string& name);

}  // namespace gatehouse

// Text in whatever Unicode form a program saved it, as UTF-8.
#pragma once

#include <memory>
#include <string>

#include "data/byte_source.h"

namespace gatehouse {

// Makes UTF-8 with a byte order mark of UTF-16 that begins with one (as Excel and PowerShell write it),
// and hands on anything else as it is. Half a surrogate pair becomes bytes that are no UTF-8, so that whoever
// reads the record says so. name: the file, for messages. Errors: kBadInput: a file that holds no text
// (Parquet, Excel, a Git LFS pointer, ...), which is named; UTF-32.
Result<std::unique_ptr<ByteSource>> MakeTextSource(std::unique_ptr<ByteSource> raw, const std::string& name);

}  // namespace gatehouse

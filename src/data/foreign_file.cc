#include "data/foreign_file.h"

#include <algorithm>

#include "base/error.h"
#include "base/file_kind.h"

namespace gatehouse {
namespace {

using std::string_view_literals::operator""sv;

// Between single quotes of Python in double quotes of a shell: what those would read otherwise is left to the
// reader.
std::string ForPython(const std::string& path) {
  return path.find_first_of("'\"\\$`\n") == std::string::npos ? path : "FILE";
}

std::string WithoutEnding(const std::string& path) {
  const size_t dot = path.rfind('.'), slash = path.rfind('/');
  return dot == std::string::npos || (slash != std::string::npos && dot < slash) ? path : path.substr(0, dot);
}

// The pandas function that reads such files; null: there is none.
const char* PandasReader(FileKind kind) {
  switch (kind) {
    case FileKind::kParquet:
      return "read_parquet";
    case FileKind::kArrow:
      return "read_feather";
    case FileKind::kOffice:
    case FileKind::kOldOffice:
      return "read_excel";
    default:
      return nullptr;
  }
}

// The line that makes JSONL of it.
std::string Conversion(const char* reader, const std::string& path) {
  const std::string name = ForPython(path);
  return " (python3 -c \"import pandas; pandas." + std::string(reader) + "('" + name + "').to_json('" +
         WithoutEnding(name) + ".jsonl', orient='records', lines=True, force_ascii=False)\" makes it)";
}

// Kinds of text are known by words that no data begins with, the others by a few letters that a header of
// columns might begin with, too.
bool IsForeign(FileKind kind, std::string_view head) {
  if (kind == FileKind::kUnknown || kind == FileKind::kEmpty || kind == FileKind::kJson) return false;
  if (kind == FileKind::kLfsPointer || kind == FileKind::kXetPointer || kind == FileKind::kHtml ||
      kind == FileKind::kXml || kind == FileKind::kPdf)
    return true;
  return std::any_of(head.begin(), head.end(), [](char c) {
    return static_cast<unsigned char>(c) < 0x20 && c != '\t' && c != '\r' && c != '\n';
  });
}

}  // namespace

Result<void> CheckIsText(std::string_view head, const std::string& path) {
  const bool wide = head.starts_with("\xFF\xFE") || head.starts_with("\xFE\xFF");
  if (wide || head.starts_with("\0\0\xFE\xFF"sv)) return {};
  const FileKind kind = KindOfFile(head);
  if (IsForeign(kind, head)) {
    const char* const reader = PandasReader(kind);
    return BadInput("not a file of rows", path,
                    "JSONL or CSV" + (reader == nullptr ? std::string() : Conversion(reader, path)),
                    DescribeKind(kind));
  }
  // UTF-16 of most languages has many zeros, and is known by its mark alone.
  const auto zeros = static_cast<size_t>(std::count(head.begin(), head.end(), '\0'));
  if (zeros > 0 && zeros * 8 >= head.size()) {
    return BadInput("not a file of rows", path, "JSONL or CSV in UTF-8, or in UTF-16 with its mark",
                    "zero bytes: no text, or UTF-16 without its byte order mark");
  }
  return {};
}

}  // namespace gatehouse

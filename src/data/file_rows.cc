#include "data/file_rows.h"

#include <utility>

#include "base/error.h"
#include "data/clean_text.h"
#include "data/detect.h"
#include "data/text_source.h"

namespace gatehouse {
namespace {

constexpr size_t kMaxReasonBytes = 400;

std::string FolderOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

bool HoldsConversations(const std::string& format) { return format == "gatehouse" || format == "guardbench"; }

bool IsCsvFormat(const std::string& format) {
  return format == "csv" || format == "ailuminate" || format == "xstest";
}

}  // namespace

Result<std::unique_ptr<FileRows>> FileRows::Open(std::unique_ptr<ByteSource> bytes, const std::string& path,
                                                 DatasetFormat format) {
  GATEHOUSE_TRY(CheckFormatName(format.format, path));
  if (!format.label.empty() && format.label != "safe" && format.label != "unsafe")
    return BadInput("unknown label", path, "safe or unsafe", "\"" + format.label + "\"");
  if (!format.map.empty() && format.format != "auto" && format.format != "csv" && format.format != "jsonl")
    return BadInput("a map where none is used", path, "format csv or jsonl", format.format);
  GATEHOUSE_ASSIGN(std::unique_ptr<ByteSource> unpacked, MakeUnpackingSource(std::move(bytes), path));
  GATEHOUSE_ASSIGN(unpacked, MakeTextSource(std::move(unpacked), path));
  std::unique_ptr<FileRows> rows(new FileRows);
  rows->path_ = path;
  rows->format_ = std::move(format);
  if (rows->format_.source.empty()) rows->format_.source = DatasetStem(path);
  GATEHOUSE_TRY(rows->Start(LineReader(std::move(unpacked))));
  return rows;
}

Result<void> FileRows::Start(LineReader lines) {
  std::string& format = format_.format;
  GATEHOUSE_ASSIGN(const char first, lines.Peek());
  bool csv = IsCsvFormat(format);
  if (format == "auto") csv = LooksLikeCsv(path_, first);
  // Conversations may lie in a table, too, as text.
  if (HoldsConversations(format)) csv = IsNamedAsCsv(path_);
  if (csv) {
    GATEHOUSE_ASSIGN(records_, MakeCsvReader(std::move(lines), path_));
    if (format == "auto") {
      GATEHOUSE_ASSIGN(format, DetectCsv(*records_->columns(), !format_.map.empty(), path_));
    }
    return OpenShape();
  }
  records_ = first == '[' ? MakeJsonListReader(std::move(lines), path_) : MakeJsonlReader(std::move(lines));
  if (format == "auto") {
    GATEHOUSE_ASSIGN(pending_, records_->Next(&record_));
    if (!pending_) {
      return BadInput("no records", path_, "one JSON object a line, or a list of them",
                      first == '[' ? "an empty list" : "an empty file");
    }
    GATEHOUSE_ASSIGN(format, DetectJsonl(record_, !format_.map.empty(), path_));
  }
  return OpenShape();
}

Result<void> FileRows::OpenShape() {
  if (HoldsConversations(format_.format)) {
    shape_ = MakeConversationShape(format_, FolderOf(path_));
  } else if (format_.format == "openai-moderation") {
    shape_ = MakeModerationShape(format_);
  } else {
    GATEHOUSE_ASSIGN(shape_, MakeMappedShape(format_, path_, records_->columns(), FolderOf(path_)));
  }
  return {};
}

Result<std::optional<std::variant<EvalRow, RowProblem>>> FileRows::Next(int64_t* number) {
  using Found = std::optional<std::variant<EvalRow, RowProblem>>;
  if (!pending_) {
    GATEHOUSE_ASSIGN(const bool any, records_->Next(&record_));
    if (!any) return Found();
  }
  pending_ = false;
  ++*number;
  // First of all: whatever is wrong with the rest, the row can be named.
  RowId id = shape_->IdOf(record_);
  if (!record_.problem.empty())
    return Found(RowProblem{path_, record_.line, id.json, CleanText(record_.problem, kMaxReasonBytes)});
  Result<EvalRow> row = shape_->Make(record_.value);
  if (!row.ok())
    return Found(RowProblem{path_, record_.line, id.json, CleanText(row.error().Message(), kMaxReasonBytes)});
  if (row->source.empty()) row->source = format_.source;
  if (row->language.empty()) row->language = format_.language;
  row->id = id.json.empty() ? row->source + ":" + std::to_string(*number) : std::move(id.text);
  row->id_json = std::move(id.json);
  return Found(std::move(row).value());
}

}  // namespace gatehouse

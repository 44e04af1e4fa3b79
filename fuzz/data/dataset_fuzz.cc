// Any bytes as a data file of any format: an error, or rows and problems that hold what they promise.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <variant>

#include "data/byte_source.h"
#include "data/file_rows.h"
#include "text/utf8.h"

namespace {

void Require(bool holds) {
  if (!holds) std::abort();
}

void Check(const gatehouse::EvalRow& row) {
  Require(!row.source.empty() && (!row.id.empty() || row.id_json == "\"\""));
  Require(!row.conversation.messages.empty());
  (void)row.role();
  Require(row.unsafe || (row.categories.empty() && row.unlisted_categories.empty()));
  for (const auto& [name, value] : row.fields) Require(value.size() <= 64);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const char* const kFormats[] = {"auto",       "gatehouse",         "csv",    "jsonl",
                                         "ailuminate", "openai-moderation", "xstest", "guardbench"};
  static const char* const kNames[] = {"fuzz", "fuzz.jsonl", "fuzz.csv", "fuzz.tsv.gz"};
  if (size < 2) return 0;
  gatehouse::DatasetFormat format;
  format.format = kFormats[data[0] % 8];
  // No image of this machine is read.
  format.image_root = "/nonexistent";
  if (format.format == "csv" || format.format == "jsonl" || data[1] >= 128) {
    if (format.format == "csv" || format.format == "jsonl" || format.format == "auto")
      format.map = {{data[0] >= 128 ? "messages" : "prompt", "p"},
                    {"response", "r.s"},
                    {"label", "!l"},
                    {"category", "c"},
                    {"id", "i"}};
    format.category_map = {{"a", "S1"}, {"b", "S2"}};
  }
  std::string bytes(reinterpret_cast<const char*>(data) + 2, size - 2);
  auto rows =
      gatehouse::FileRows::Open(gatehouse::MakeMemorySource(std::move(bytes)), kNames[data[1] % 4], format);
  if (!rows.ok()) return 0;
  int64_t number = 0;
  for (;;) {
    const auto item = (*rows)->Next(&number);
    if (!item.ok() || !item->has_value()) return 0;
    if (const auto* row = std::get_if<gatehouse::EvalRow>(&**item)) {
      Check(*row);
    } else {
      const auto& problem = std::get<gatehouse::RowProblem>(**item);
      Require(problem.line >= 1 && !problem.reason.empty() && problem.reason.size() <= 410);
      Require(gatehouse::ValidUtf8Prefix(problem.reason) == problem.reason.size());
    }
  }
}

// Labelled conversations from files: JSONL of our own shape, and the public formats people have.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/descriptor.h"
#include "data/row.h"
#include "gatehouse/conversation_json.h"
#include "gatehouse/result.h"

namespace gatehouse {

// How one file is read. A description (datasets/NAME.json) holds the same, with file and licence.
struct DatasetFormat {
  // "auto" (by name and first record), "gatehouse", "csv", "jsonl" (also one JSON list), "ailuminate",
  // "openai-moderation", "xstest", "guardbench".
  std::string format = "auto";
  // Ours -> theirs, for csv and jsonl: "prompt" or "messages", "response", "label", "category", "id",
  // "language", "source". A label is unsafe for 1, true, yes, unsafe, harmful, toxic, hateful; safe for 0,
  // false, no, safe, harmless, unharmful, benign, non-toxic, non-hateful, non-harmful; "label=!column" swaps
  // them. What is neither is a problem of that row. In JSONL a column may be a path, "a.b".
  std::vector<std::pair<std::string, std::string>> map;
  std::vector<std::pair<std::string, std::string>> category_map;  // theirs -> a key of the policy
  std::string source;      // for rows that name none; empty: the file's name without its endings
  std::string language;    // for rows that name none
  std::string label;       // "safe" or "unsafe" for files all of whose rows are (AILuminate: "unsafe")
  std::string image_root;  // where image paths start; empty: the file's folder
  ConversationOptions conversation;  // how messages are read; where images lie is said above
};

// Reads a description: {"name", "file" or "files", "format", "map", "categories", "language", "label",
// "licence", "judges", "notes"}; file paths are relative to it. Unknown keys are errors.
struct DatasetDescription {
  std::string name, licence, judges, notes;
  std::vector<std::string> files;
  DatasetFormat format;
};
Result<DatasetDescription> ReadDatasetDescription(const std::string& path);
// Whether a file named .json is a description, and no data: one object that says a name or a file.
bool IsDatasetDescription(const std::string& path);

// Rows of several files, one after the other, a record at a time. `.gz` is read directly. A record that is
// malformed, or longer than 64 MiB, is a problem and the next line goes on.
class DatasetReader {
 public:
  struct Input {
    std::string path;  // a data file
    DatasetFormat format;
    std::shared_ptr<const Descriptor> held = {};  // of a pipe: what it gave (data/held_pipe.h)
    std::string Place() const {                   // where its bytes can be read, as often as wanted
      return held == nullptr ? path : "/proc/self/fd/" + std::to_string(held->number());
    }
  };
  // Errors: kBadInput for a file that cannot be opened or a format that is not known.
  static Result<std::unique_ptr<DatasetReader>> Open(std::vector<Input> inputs);
  virtual ~DatasetReader() = default;

  // The next row or the next problem; nothing at the end. Errors: a file that ends in the middle of its
  // compressed data or cannot be read on.
  virtual Result<std::optional<std::variant<EvalRow, RowProblem>>> Next() = 0;
};

}  // namespace gatehouse

// SystemRows: what rows of a prompt and its answer become when the whole of a model and its filter is
// measured: judged once as what the input filter sees and once as what the output filter sees, with fields
// that say what is known of the answer and of the prompt. The records of both are kept and continued as any
// other.
//
//   GATEHOUSE_ASSIGN(const SystemRows rows, SystemRows::Make(options));
//   run.prepare = [&](EvalRow* row) { return rows.Prepare(Side::kInput, row); };
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "data/dataset.h"
#include "gatehouse/result.h"

namespace gatehouse {

enum class Side { kInput, kOutput };
const char* SideName(Side side);  // "input", "output"

// Fields of the records that SystemRows writes and the report reads.
inline constexpr char kFieldPrompt[] = "prompt";             // the same for equal prompts
inline constexpr char kFieldPromptLabel[] = "prompt_label";  // "safe", "unsafe"; absent: not known
inline constexpr char kFieldRefused[] = "refused";           // "yes", "no"
inline constexpr char kFieldRefusedBy[] = "refused_by";      // "phrases", "field"
inline constexpr char kFieldAnswerLabel[] = "answer_label";  // "unknown": the row's label says nothing

struct SystemRowsOptions {
  std::vector<DatasetReader::Input> data;
  // Fields of the data that decide where a row has them, with the words of labels (yes, no, unsafe, safe,
  // ...): does the answer refuse? what is the prompt's own label?
  std::string refused_field = kFieldRefused;
  std::string prompt_field = kFieldPromptLabel;
};

class SystemRows {
 public:
  // Reads the data once: rows that end with a user's message label the prompts of the others, where texts are
  // equal and the labels of one text agree. Errors: kBadInput: the data.
  static Result<SystemRows> Make(const SystemRowsOptions& options);

  // row: one that ends with the assistant's answer. For the input its conversation ends before the answer;
  // its label stays the answer's. Errors: kBadInput: a field with another word than those of labels.
  Result<void> Prepare(Side side, EvalRow* row) const;
  // What is known of the prompt of a row, by its field, by a row of that prompt, or, for a row that is one,
  // its label: "safe", "unsafe", or empty.
  Result<std::string> PromptLabel(const EvalRow& row) const;
  // What the fields above depend on, beside the data.
  std::string Rule() const;

 private:
  SystemRowsOptions options_;
  enum Known : uint8_t { kSafe, kUnsafe, kBoth };
  std::map<uint64_t, Known> labels_;  // by the prompt's hash
};

}  // namespace gatehouse

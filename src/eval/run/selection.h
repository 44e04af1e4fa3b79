// Selection: which rows of the data are judged: those of a split, or a sample that is the same every time.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "data/dataset.h"
#include "gatehouse/result.h"

namespace gatehouse {

// A number that depends on the text alone, spread evenly: for samples and splits.
uint64_t HashOf(std::string_view text, uint64_t seed = 0);

struct SelectionOptions {
  std::vector<std::pair<std::string, std::string>> where;  // field (or source, language, role, label) = value
  int64_t sample = 0;  // rows, as evenly from the sources as they allow; 0: all
  uint64_t seed = 1;
};

class Selection {
 public:
  // Reads the data once, to count and, for a sample, to choose. Errors: kBadInput: the data.
  static Result<Selection> Make(const std::vector<DatasetReader::Input>& data,
                                const SelectionOptions& options);

  bool Takes(const EvalRow& row) const;
  int64_t rows() const { return rows_; }          // that Takes says yes to
  int64_t problems() const { return problems_; }  // rows that could not be read

 private:
  bool Matches(const EvalRow& row) const;

  SelectionOptions options_;
  std::map<std::string, uint64_t> highest_;  // of a source, the highest hash in the sample
  int64_t rows_ = 0;
  int64_t problems_ = 0;
};

}  // namespace gatehouse

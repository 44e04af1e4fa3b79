// Examples: the rows that a model learns from, as often as each is wanted.
//
//   GATEHOUSE_ASSIGN(Examples examples, ReadExamples(data, options));
//   examples.rows[examples.order[k]];
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "data/dataset.h"
#include "gatehouse/result.h"

namespace gatehouse::train {

// Of a pass's rows of one label (or of any) in one language (or in any), these sources together have at most
// a share. A flood of posts of one kind would otherwise drown what is rare.
struct Cap {
  std::vector<std::string> sources{};
  std::string label{}, language{};  // "safe", "unsafe"; empty: any
  double share = 1;
};

struct ExampleOptions {
  std::vector<std::pair<std::string, std::string>> where{};  // field = value, as eval's --where
  std::map<std::string, int> times{};  // of a source: so often a pass; others once, 0: never
  std::vector<Cap> caps{};
  double text_to_images =
      0;  // so many rows of text for each with images, which come as often as that takes; 0: as they are
  bool balance = true;           // safe and unsafe weigh the same within each language and role
  size_t max_text_bytes = 4000;  // longer conversations are left out, and counted
};

struct Examples {
  struct Count {
    int64_t rows = 0, unsafe = 0, used = 0;  // used: in a pass, each time counted
    double weight = 0;                       // of what is used, summed
  };
  std::vector<EvalRow> rows;
  std::vector<float> weights;  // [rows], in the loss
  std::vector<size_t> pass;    // indices of rows, as often as they come in a pass
  std::map<std::string, Count> by_source;
  int64_t images = 0;    // rows of a pass that have some
  int64_t problems = 0;  // rows that could not be read
  int64_t too_long = 0;
};

// Errors: kBadInput: the data; kUsage: a source that is named and not there, a share out of range, nothing
// left.
Result<Examples> ReadExamples(const std::vector<DatasetReader::Input>& data, const ExampleOptions& options);

}  // namespace gatehouse::train

// Options of `gatehouse eval`.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "cli/command.h"
#include "cli/system_flags.h"
#include "data/dataset.h"
#include "eval/run/build_report.h"
#include "eval/run/selection.h"

namespace gatehouse::cli {

struct EvalFlags {
  ModelFlags model;
  RequestFlags request;
  std::vector<std::string> data;  // data files, and descriptions (datasets/NAME.json)
  std::string format = "auto";
  std::vector<std::string> map;    // "prompt=text,label=is_toxic"
  std::vector<std::string> where;  // "split=test"
  int64_t sample = 0;
  std::string report;  // directory
  std::string from;    // a record, in place of a model
  std::vector<std::string> compare;
  std::vector<std::string> by;
  std::string cluster;
  double at_fpr = 0.05;
  int rounds = 1000;
  uint64_t seed = 1;
  int at_once = 16;
  bool strict = false;
  std::string threshold_search;
  bool per_category = false;
  std::string weigh = "row";
  bool calibrate = false;
  SystemFlags system;

  void AddTo(Command& command);
  // Errors: kUsage, kBadInput (a description).
  Result<std::vector<DatasetReader::Input>> Inputs() const;
  Result<SelectionOptions> Selection() const;
  // The parts of a report's options that flags say; the rest comes from the record's run.json, where there is
  // one. Errors: kUsage.
  Result<ReportOptions> Report(const std::string& record) const;

 private:
  // How messages and their images are read, for every file alike.
  void TakeReading(DatasetFormat* to) const;
};

// predictions.jsonl of a directory, or the file itself.
std::string RecordPath(const std::string& path);
std::string DirectoryOf(const std::string& path);

}  // namespace gatehouse::cli

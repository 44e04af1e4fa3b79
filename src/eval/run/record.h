// Record: predictions.jsonl as it grows. Appended row by row, in the order of the data, so that a run that
// was killed at any instant goes on where it stopped: no row is lost, none is judged twice.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/descriptor.h"
#include "eval/run/prediction.h"
#include "gatehouse/result.h"

namespace gatehouse {

// Reads a record line by line, in bounded memory.
class PredictionReader {
 public:
  // Errors: kBadInput: the file cannot be opened.
  static Result<std::unique_ptr<PredictionReader>> Open(const std::string& path);
  ~PredictionReader();
  // False at the end. A last line without its newline is what a kill left: it is not there. Errors:
  // kBadInput: a line that is no prediction, naming it.
  Result<bool> Next(Prediction* out);

 private:
  struct State;
  explicit PredictionReader(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// fn(prediction) for every row that was judged. Errors: kBadInput: the record.
template <typename Fn>
Result<void> ForEachJudged(const std::string& record, Fn fn) {
  GATEHOUSE_ASSIGN(const std::unique_ptr<PredictionReader> reader, PredictionReader::Open(record));
  Prediction prediction;
  while (true) {
    GATEHOUSE_ASSIGN(const bool more, reader->Next(&prediction));
    if (!more) return {};
    if (prediction.error.empty()) fn(prediction);
  }
}

// Whole lines of a record. Errors: kBadInput.
Result<int64_t> CountLines(const std::string& path);

// The two files of a record: one line a row, and what they depend on.
struct RecordNames {
  const char* lines = "predictions.jsonl";
  const char* identity = "run.json";
};

class PredictionWriter {
 public:
  // Opens DIRECTORY/predictions.jsonl to go on with it, or begins it. `identity` says what the predictions
  // depend on (model, policy, thresholds, data); it is kept in DIRECTORY/run.json, and a record of another
  // identity is refused. Another process that is writing it is refused too. Errors: kBadInput, kInternal: the
  // disk.
  static Result<std::unique_ptr<PredictionWriter>> Open(const std::string& directory,
                                                        const std::string& identity,
                                                        const RecordNames& names = {});

  // Rows that the record held when it was opened; whoever goes on must skip as many rows of the data.
  int64_t rows() const { return rows_; }
  // A line appended in one write. Errors: kInternal: the disk.
  Result<void> Append(const Prediction& prediction);
  Result<void> AppendLine(const std::string& line);  // without its newline
  // At the end: some disks tell only now that a write has failed.
  Result<void> Close();
  const std::string& path() const { return path_; }

 private:
  PredictionWriter() = default;
  Descriptor file_;
  std::string path_;
  int64_t rows_ = 0;
};

}  // namespace gatehouse

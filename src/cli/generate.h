// Answers of a language model to the prompts of a data set, asked of a server with OpenAI's chat completions,
// and kept line by line, so that a run that was stopped goes on where it was.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "data/dataset.h"
#include "eval/run/selection.h"
#include "eval/run/system_rows.h"
#include "gatehouse/result.h"

namespace gatehouse::cli {

struct GenerateOptions {
  std::vector<DatasetReader::Input> data;
  SelectionOptions selection;
  std::string directory;  // of answers.jsonl, and generate.json, which says what it depends on
  std::string url, model, api_key;
  int max_tokens = 512;
  double timeout = 600;  // seconds
  int at_once = 16;
  bool strict = false;  // a prompt without an answer ends the run
  std::function<void(int64_t done, int64_t total)> progress;
};

struct Generation {
  std::string path;  // of answers.jsonl
  int64_t rows = 0, resumed = 0, failed = 0;
};

// Of each row the messages up to its last user message are sent, with temperature 0, and its answer becomes a
// row of our own shape: with the prompt's label where `rows` knows it, "answer_label": "unknown", and
// "refused": "yes" where the server says so itself (a refusal, or a filter of its own). What the server will
// not answer (a status of 4xx) stands there as an error, and is a row that cannot be read; what it cannot
// (429, 5xx, no connection) is asked again four times, then the run ends. Errors: kUsage: the address;
// kBadInput: the data, an answers.jsonl of other options; kModel, kLate: the server.
Result<Generation> GenerateAnswers(const GenerateOptions& options, const SystemRows& rows);

}  // namespace gatehouse::cli

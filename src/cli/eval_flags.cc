#include "cli/eval_flags.h"

#include <sys/stat.h>

#include <ctime>

#include "base/error.h"
#include "cli/conversation_input.h"

namespace gatehouse::cli {
namespace {

// "a=b,c=d" into pairs.
Result<void> AddPairs(const std::string& text, const char* flag,
                      std::vector<std::pair<std::string, std::string>>* out) {
  size_t begin = 0;
  while (begin <= text.size()) {
    const size_t end = std::min(text.find(',', begin), text.size());
    const std::string item = text.substr(begin, end - begin);
    const size_t equals = item.find('=');
    if (equals == std::string::npos || equals == 0)
      return UsageError("bad pair", flag, "NAME=VALUE, by commas", "\"" + item + "\"");
    out->emplace_back(item.substr(0, equals), item.substr(equals + 1));
    begin = end + 1;
  }
  return {};
}

bool EndsWith(const std::string& text, const std::string& end) {
  return text.size() >= end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
}

std::string Now() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  ::gmtime_r(&now, &parts);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%d %H:%M UTC", &parts);
  return text;
}

}  // namespace

std::string DirectoryOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  return slash == std::string::npos ? "." : path.substr(0, slash);
}

std::string RecordPath(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode)) return path + "/predictions.jsonl";
  return path;
}

void EvalFlags::AddTo(Command& command) {
  model.AddTo(command);
  request.AddTo(command);
  command
      .Path("--data", &data,
            "labelled rows: JSONL, a JSON list, CSV or TSV (- for standard input), or a description "
            "(datasets/NAME.json)")
      .TakesMany();
  command
      .Value("--format", &format,
             "auto, gatehouse, csv, jsonl, ailuminate, openai-moderation, xstest or guardbench")
      .OneOf(
          {"auto", "gatehouse", "csv", "jsonl", "ailuminate", "openai-moderation", "xstest", "guardbench"});
  command.Value(
      "--map", &map,
      "columns: prompt=text,label=is_toxic (also messages, response, category, id, language, source)");
  command.Value("--where", &where, "only rows of this FIELD=VALUE, such as split=test or language=fr");
  command.Value("--sample", &sample, "judge N rows, as evenly from the sources as they allow").AtLeast(1);
  command.Path("--report", &report, "directory of the record and the report (default: eval-report)");
  command.Path("--from", &from, "make the report again from a record (predictions.jsonl or its directory)");
  command.Path("--compare", &compare, "two records or more, side by side; the first is the base")
      .TakesMany()
      .Count(2, 8);
  command.Value("--by", &by, "a further field of the rows to group by; may be given more than once");
  command.Value("--cluster", &cluster, "resample rows of one value of this field together");
  command.Value("--at-fpr", &at_fpr, "also the threshold of this false-positive rate").Between(0.0, 1.0);
  command.Value("--rounds", &rounds, "of the bootstrap").Between(1, 100000);
  command.Value("--seed", &seed, "of the bootstrap and of --sample");
  command
      .Value("--at-once", &at_once,
             "rows on their way together (1: one after the other, so that times are those of a row alone)")
      .Between(1, 10000);
  command.Flag("--strict", &strict, "stop at the first row that cannot be read or judged");
  command.Value(
      "--threshold-search", &threshold_search,
      "max-f1, fpr=0.05, or max-f1,fpr=0.05 (the highest F1 at that rate or a lower one): find the threshold "
      "on these rows, write thresholds.json");
  command.Flag("--per-category", &per_category, "with --threshold-search: one for each category too");
  command
      .Value("--weigh", &weigh,
             "with --threshold-search: what counts the same, rows or sources (however many rows each has)")
      .OneOf({"row", "source"});
  command.Flag(
      "--calibrate", &calibrate,
      "fit a policy's calibration on half of the rows, check it on the others; with --threshold-search the "
      "threshold is of calibrated scores");
  system.AddTo(command);
}

void EvalFlags::TakeReading(DatasetFormat* to) const {
  to->image_root = request.image_root;
  to->conversation = ConversationOptionsOf(request, model.guard.max_image_bytes);
}

Result<std::vector<DatasetReader::Input>> EvalFlags::Inputs() const {
  std::vector<DatasetReader::Input> out;
  DatasetFormat given;
  given.format = format;
  TakeReading(&given);
  for (const std::string& one : map) GATEHOUSE_TRY(AddPairs(one, "--map", &given.map));
  for (const std::string& path : data) {
    if (!EndsWith(path, ".json") || !IsDatasetDescription(path)) {
      out.push_back({path, given});
      continue;
    }
    GATEHOUSE_ASSIGN(DatasetDescription description, ReadDatasetDescription(path));
    TakeReading(&description.format);
    for (const std::string& file : description.files) out.push_back({file, description.format});
  }
  return out;
}

Result<SelectionOptions> EvalFlags::Selection() const {
  SelectionOptions out;
  for (const std::string& one : where) GATEHOUSE_TRY(AddPairs(one, "--where", &out.where));
  out.sample = sample;
  out.seed = seed;
  return out;
}

Result<ReportOptions> EvalFlags::Report(const std::string& record) const {
  ReportOptions out;
  out.model = "unknown model";
  GATEHOUSE_TRY(ReadIdentity(DirectoryOf(record) + "/run.json", &out));
  out.made = Now();
  out.by = by;
  out.cluster = cluster;
  out.at_fpr = at_fpr;
  out.bootstrap.rounds = rounds;
  out.bootstrap.seed = seed;
  if (request.threshold.empty() || (from.empty() && compare.empty())) return out;
  // Other thresholds than the record's: its verdicts are made anew from its scores.
  GATEHOUSE_ASSIGN(const ClassifyOptions asked, request.Resolve());
  out.rule.recorded = false;
  if (asked.thresholds.replaces) out.threshold = asked.thresholds.overall;
  if (!asked.thresholds.categories.empty()) out.category_thresholds = asked.thresholds.categories;
  out.rule.threshold = out.threshold;
  out.rule.category_thresholds = out.category_thresholds;
  return out;
}

}  // namespace gatehouse::cli

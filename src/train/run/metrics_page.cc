#include "train/run/metrics_page.h"

#include <filesystem>
#include <limits>
#include <string_view>

#include "base/error.h"
#include "base/input_file.h"
#include "base/output_file.h"
#include "formats/json.h"

namespace gatehouse::train {
namespace {

constexpr size_t kMostMetricsBytes = size_t{1} << 30;
constexpr double kLargest = std::numeric_limits<double>::max();
constexpr int64_t kMostCounted = int64_t{1} << 53;

Result<TrainingStep> StepOfLine(std::string_view line, const std::string& where) {
  GATEHOUSE_ASSIGN(const Json json, ParseJson(line, where, ErrorCode::kInternal));
  if (!json.is_object()) return InternalError("a line of metrics that is no object", where);
  const JsonFields fields(json, where);
  TrainingStep out;
  // What is not finite stands as null.
  const auto number = [&](const char* key) {
    return fields.IsNull(key) ? Result<double>(std::numeric_limits<double>::quiet_NaN())
                              : fields.Number(key, std::nullopt, -kLargest, kLargest);
  };
  GATEHOUSE_ASSIGN(out.step, fields.Int64("step", std::nullopt, 0, kMostCounted));
  GATEHOUSE_ASSIGN(const double loss, number("loss"));
  GATEHOUSE_ASSIGN(out.norm, number("norm"));
  GATEHOUSE_ASSIGN(out.rate, number("rate"));
  GATEHOUSE_ASSIGN(out.seconds, number("seconds"));
  GATEHOUSE_ASSIGN(out.conversations, fields.Int64("conversations", std::nullopt, 0, kMostCounted));
  GATEHOUSE_ASSIGN(out.tokens, fields.Int64("tokens", std::nullopt, 0, kMostCounted));
  GATEHOUSE_ASSIGN(out.left_out, fields.Int64("left_out", std::nullopt, 0, kMostCounted));
  GATEHOUSE_ASSIGN(out.skipped, fields.Bool("skipped", std::nullopt));
  // A step all of whose rows were left out has no loss.
  if (out.tokens > 0 && !out.skipped) out.loss = loss;
  return out;
}

}  // namespace

Result<std::vector<TrainingStep>> ReadMetrics(const std::string& path) {
  GATEHOUSE_ASSIGN(const std::string all, ReadFile(path, kMostMetricsBytes, ErrorCode::kInternal));
  std::vector<TrainingStep> out;
  for (size_t begin = 0, end; (end = all.find('\n', begin)) != std::string::npos; begin = end + 1) {
    const std::string where = path + " line " + std::to_string(out.size() + 1);
    Result<TrainingStep> step = StepOfLine(std::string_view(all.data() + begin, end - begin), where);
    if (!step.ok()) {
      // JSON's reader takes everything for a model's.
      Error error = step.error();
      error.code = ErrorCode::kInternal;
      return error;
    }
    out.push_back(*step);
  }
  return out;
}

Result<void> WriteMetricsPage(const std::string& directory, int64_t steps) {
  const std::filesystem::path path = std::filesystem::path(directory).lexically_normal();
  TrainingReport report;
  report.name = (path.has_filename() ? path : path.parent_path()).filename().string();
  report.steps = steps;
  GATEHOUSE_ASSIGN(report.taken, ReadMetrics(directory + "/metrics.jsonl"));
  return WriteFile(directory + "/metrics.html", TrainingPage(report));
}

}  // namespace gatehouse::train

#include "train/run/metrics_file.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include "base/error.h"
#include "base/input_file.h"
#include "formats/json.h"
#include "formats/json_object.h"
#include "train/run/trainer.h"

namespace gatehouse::train {
namespace {

constexpr size_t kMostBytes = size_t{1} << 30;

}  // namespace

Result<MetricsFile> MetricsFile::Open(const std::string& path, int64_t next_step) {
  std::string kept;
  std::error_code ignored;
  if (std::filesystem::exists(path, ignored)) {
    GATEHOUSE_ASSIGN(const std::string all, ReadFile(path, kMostBytes, ErrorCode::kInternal));
    for (size_t begin = 0, end; (end = all.find('\n', begin)) != std::string::npos; begin = end + 1) {
      const std::string_view line(all.data() + begin, end - begin);
      const Result<Json> json = ParseJson(line, path, ErrorCode::kInternal);
      if (!json.ok() || !json->is_object() || !json->contains("step") || !(*json)["step"].is_number_integer())
        break;
      if ((*json)["step"].get<int64_t>() >= next_step) break;
      kept.append(line).push_back('\n');
    }
  }
  GATEHOUSE_TRY(WriteFile(path, kept));
  return MetricsFile(path);
}

Result<void> MetricsFile::Add(const StepReport& step) {
  JsonObject line;
  line.Add("step", step.step).AddRounded("loss", step.loss, 6).AddRounded("norm", step.norm, 4);
  line.Add("rate", step.rate).Add("conversations", step.conversations).Add("tokens", step.tokens);
  line.Add("left_out", step.left_out).Add("skipped", step.skipped).AddRounded("seconds", step.seconds, 3);
  const std::string text = line.Text() + "\n";
  // Each line at once: whoever watches the run reads along.
  std::FILE* file = std::fopen(path_.c_str(), "ae");
  const bool written = file != nullptr && std::fwrite(text.data(), 1, text.size(), file) == text.size();
  const bool closed = file == nullptr || std::fclose(file) == 0;
  if (!written || !closed) return InternalError(std::string("cannot write: ") + std::strerror(errno), path_);
  return {};
}

}  // namespace gatehouse::train

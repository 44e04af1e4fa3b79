#include "eval/run/record.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <vector>

#include "base/error.h"
#include "base/mapped_file.h"

namespace gatehouse {
namespace {

constexpr size_t kMaxLine = 64u << 20;
constexpr size_t kMaxIdentity = 16u << 20;

Error SystemError(const std::string& what, const std::string& path) {
  return InternalError(what + ": " + std::strerror(errno), path);
}

// The size of the file up to its last newline, and how many lines that is.
struct Extent {
  int64_t bytes = 0;
  int64_t lines = 0;
};
Result<Extent> WholeLines(int file, const std::string& path) {
  std::vector<char> block(1 << 20);
  Extent out;
  int64_t at = 0;
  while (true) {
    const ssize_t count = ::pread(file, block.data(), block.size(), at);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return SystemError("cannot read", path);
    if (count == 0) return out;
    for (ssize_t i = 0; i < count; ++i) {
      if (block[static_cast<size_t>(i)] != '\n') continue;
      ++out.lines;
      out.bytes = at + i + 1;
    }
    at += count;
  }
}

Result<void> WriteAll(int file, std::string_view text, const std::string& path) {
  while (!text.empty()) {
    const ssize_t count = ::write(file, text.data(), text.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return SystemError("cannot write", path);
    text.remove_prefix(static_cast<size_t>(count));
  }
  return {};
}

// Written beside and moved into place: there is never half of it.
Result<void> WriteIdentity(const std::string& path, const std::string& identity) {
  const std::string beside = path + ".part";
  {
    std::ofstream file(beside, std::ios::binary | std::ios::trunc);
    file << identity;
    file.close();
    if (!file) return SystemError("cannot write", beside);
  }
  if (::rename(beside.c_str(), path.c_str()) != 0) return SystemError("cannot write", path);
  return {};
}

}  // namespace

struct PredictionReader::State {
  std::string path;
  std::ifstream file;
  std::string line;
  int64_t number = 0;
};

PredictionReader::PredictionReader(std::unique_ptr<State> state) : state_(std::move(state)) {}
PredictionReader::~PredictionReader() = default;

Result<std::unique_ptr<PredictionReader>> PredictionReader::Open(const std::string& path) {
  auto state = std::make_unique<State>();
  state->path = path;
  state->file.open(path, std::ios::binary);
  if (!state->file)
    return BadInput("cannot open the record", path, "predictions.jsonl of an evaluation", "no file");
  return std::unique_ptr<PredictionReader>(new PredictionReader(std::move(state)));
}

Result<bool> PredictionReader::Next(Prediction* out) {
  State& state = *state_;
  if (!std::getline(state.file, state.line) || state.file.eof()) return false;
  const std::string where = state.path + " line " + std::to_string(++state.number);
  if (state.line.size() > kMaxLine) return BadInput("line too long", where);
  GATEHOUSE_ASSIGN(*out, PredictionFromJson(state.line, where));
  return true;
}

Result<int64_t> CountLines(const std::string& path) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0)
    return BadInput("cannot open the record", path, "predictions.jsonl of an evaluation",
                    std::strerror(errno));
  const Result<Extent> extent = WholeLines(file, path);
  ::close(file);
  if (!extent.ok()) return extent.error();
  return extent->lines;
}

PredictionWriter::~PredictionWriter() {
  if (file_ >= 0) ::close(file_);
}

Result<std::unique_ptr<PredictionWriter>> PredictionWriter::Open(const std::string& directory,
                                                                 const std::string& identity) {
  if (::mkdir(directory.c_str(), 0777) != 0 && errno != EEXIST)
    return BadInput("cannot make the report's directory", directory, "a path that can be written",
                    std::strerror(errno));
  std::unique_ptr<PredictionWriter> writer(new PredictionWriter);
  writer->path_ = directory + "/predictions.jsonl";
  writer->file_ = ::open(writer->path_.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  if (writer->file_ < 0)
    return BadInput("cannot open the record", writer->path_, "a file that can be written",
                    std::strerror(errno));
  if (::flock(writer->file_, LOCK_EX | LOCK_NB) != 0)
    return BadInput("the record is in use", writer->path_, "one run at a time",
                    "another process that writes it");
  GATEHOUSE_ASSIGN(const Extent extent, WholeLines(writer->file_, writer->path_));
  const std::string identity_path = directory + "/run.json";
  const auto known = ReadFile(identity_path, kMaxIdentity);
  if (known.ok() && *known != identity && extent.lines > 0) {
    return BadInput("the record is of another run", identity_path, "the same model, policy, options and data",
                    "others (use another --report directory, or delete this one)");
  }
  if (!known.ok() && extent.lines > 0)
    return BadInput("the record does not say what made it", identity_path, "run.json beside it", "none");
  if (!known.ok() || *known != identity) GATEHOUSE_TRY(WriteIdentity(identity_path, identity));
  // A line cut by a kill goes.
  if (::ftruncate(writer->file_, extent.bytes) != 0) return SystemError("cannot truncate", writer->path_);
  writer->rows_ = extent.lines;
  return writer;
}

Result<void> PredictionWriter::Append(const Prediction& prediction) {
  return WriteAll(file_, PredictionToJson(prediction) + "\n", path_);
}

}  // namespace gatehouse

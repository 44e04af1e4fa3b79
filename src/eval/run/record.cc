#include "eval/run/record.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <vector>

#include "base/error.h"
#include "base/input_file.h"
#include "base/output_file.h"
#include "data/line_reader.h"
#include "eval/run/identity_parts.h"

namespace gatehouse {
namespace {

constexpr size_t kMaxLine = 64u << 20;
constexpr size_t kMaxKnown = 16u << 20;
constexpr size_t kPiece = 1u << 20;

Error SystemError(const std::string& what, const std::string& path, int why = errno) {
  return {ErrorCode::kInternal, what, path, "a place that can be written", SystemText(why)};
}

// The size of the file up to its last newline, and how many lines that is.
struct Extent {
  int64_t bytes = 0;
  int64_t lines = 0;
};
Result<Extent> WholeLines(int file, const std::string& path) {
  std::vector<char> block(kPiece);
  Extent out;
  int64_t at = 0;
  while (true) {
    const ssize_t count = ::pread(file, block.data(), block.size(), at);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return BadInput("cannot read file", path, "a readable file", SystemText(errno));
    if (count == 0) return out;
    for (ssize_t i = 0; i < count; ++i) {
      if (block[static_cast<size_t>(i)] != '\n') continue;
      ++out.lines;
      out.bytes = at + i + 1;
    }
    at += count;
  }
}

}  // namespace

struct PredictionReader::State {
  std::string path;
  LineReader lines;
  Line line = {};
};

PredictionReader::PredictionReader(std::unique_ptr<State> state) : state_(std::move(state)) {}
PredictionReader::~PredictionReader() = default;

Result<std::unique_ptr<PredictionReader>> PredictionReader::Open(const std::string& path) {
  GATEHOUSE_ASSIGN(std::unique_ptr<ByteSource> bytes, OpenFileSource(path));
  auto state = std::make_unique<State>(State{path, LineReader(std::move(bytes), kMaxLine)});
  return std::unique_ptr<PredictionReader>(new PredictionReader(std::move(state)));
}

Result<bool> PredictionReader::Next(Prediction* out) {
  State& state = *state_;
  GATEHOUSE_ASSIGN(const LineReader::Status status, state.lines.Next(&state.line));
  if (status == LineReader::Status::kEnd || state.line.ending.empty()) return false;
  const std::string where = state.path + " line " + std::to_string(state.line.number);
  if (status == LineReader::Status::kTooLong)
    return BadInput("line too long", where, "at most " + std::to_string(kMaxLine) + " bytes", "more");
  GATEHOUSE_ASSIGN(*out, PredictionFromJson(state.line.text, where));
  return true;
}

Result<int64_t> CountLines(const std::string& path) {
  GATEHOUSE_ASSIGN(InputFile file, InputFile::Open(path));
  std::string piece(kPiece, '\0');
  int64_t lines = 0;
  for (;;) {
    GATEHOUSE_ASSIGN(const size_t count, file.Read(piece.data(), piece.size()));
    if (count == 0) return lines;
    lines += std::count(piece.data(), piece.data() + count, '\n');
  }
}

Result<std::unique_ptr<PredictionWriter>> PredictionWriter::Open(const std::string& directory,
                                                                 const std::string& identity,
                                                                 const RecordNames& names) {
  GATEHOUSE_TRY(MakeDirectories(directory));
  std::unique_ptr<PredictionWriter> writer(new PredictionWriter);
  const std::string& path = writer->path_ = directory + "/" + names.lines;
  Descriptor& file = writer->file_;
  file = Descriptor(::open(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0666));
  struct stat info {};
  if (!file.IsOpen() || ::fstat(file.number(), &info) != 0) return SystemError("cannot write file", path);
  if (!S_ISREG(info.st_mode))
    return Error{ErrorCode::kInternal, "cannot write file", path, "a regular file", "a pipe or a device"};
  if (::flock(file.number(), LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK)
    return BadInput("the record is in use", path, "one run at a time", "another process that writes it");
  GATEHOUSE_ASSIGN(const Extent extent, WholeLines(file.number(), path));
  const std::string identity_path = directory + "/" + names.identity;
  GATEHOUSE_ASSIGN(const std::optional<std::string> known, ReadFileIfThere(identity_path, kMaxKnown));
  if (known && *known != identity && extent.lines > 0) {
    return BadInput("the record is of another run", identity_path, "the same model, policy, options and data",
                    "another " + IdentityDifference(*known, identity) +
                        " (use another --report directory, or delete this one)");
  }
  if (!known && extent.lines > 0)
    return BadInput("the record does not say what made it", identity_path,
                    std::string(names.identity) + " beside it", "none");
  if (!known || *known != identity) GATEHOUSE_TRY(WriteFile(identity_path, identity));
  // A line cut by a kill goes.
  if (::ftruncate(file.number(), extent.bytes) != 0) return SystemError("cannot write file", path);
  writer->rows_ = extent.lines;
  return writer;
}

Result<void> PredictionWriter::Append(const Prediction& prediction) {
  return AppendLine(PredictionToJson(prediction));
}

Result<void> PredictionWriter::AppendLine(const std::string& line) {
  const int why = WriteFully(file_.number(), line + "\n");
  return why != 0 ? Result<void>(SystemError("cannot write file", path_, why)) : Result<void>();
}

Result<void> PredictionWriter::Close() {
  const int why = file_.Close();
  return why != 0 ? Result<void>(SystemError("cannot write file", path_, why)) : Result<void>();
}

}  // namespace gatehouse

#include "data/held_pipe.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <utility>

#include "base/input_file.h"

namespace gatehouse {
namespace {

constexpr size_t kPiece = size_t{1} << 18;

Result<std::shared_ptr<const Descriptor>> Copy(const std::string& path) {
  std::error_code code;
  const std::string folder = std::filesystem::temp_directory_path(code).string();
  const auto failed = [&](int why) {
    return Error{ErrorCode::kInternal, "cannot keep what " + path + " gives",
                 folder.empty() ? "/tmp" : folder, "room for a temporary file ($TMPDIR)", SystemText(why)};
  };
  if (code) return failed(code.value());
  GATEHOUSE_ASSIGN(InputFile pipe, InputFile::Open(path));
  std::string name = folder + "/gatehouse-data-XXXXXX";
  Descriptor file(::mkostemp(name.data(), O_CLOEXEC));
  if (!file.IsOpen()) return failed(errno);
  ::unlink(name.c_str());  // gone with the process, however that ends
  std::string piece(kPiece, '\0');
  for (;;) {
    GATEHOUSE_ASSIGN(const size_t count, pipe.Read(piece.data(), piece.size()));
    if (count == 0) return std::make_shared<const Descriptor>(std::move(file));
    if (const int why = WriteFully(file.number(), std::string_view(piece.data(), count))) return failed(why);
  }
}

}  // namespace

Result<void> HoldPipes(std::vector<DatasetReader::Input>* inputs) {
  for (DatasetReader::Input& input : *inputs) {
    if (input.path == "-") input.path = "/dev/stdin";
    struct stat info {};
    if (input.held || ::stat(input.path.c_str(), &info) != 0 || !S_ISFIFO(info.st_mode)) continue;
    GATEHOUSE_ASSIGN(input.held, Copy(input.path));
  }
  return {};
}

}  // namespace gatehouse

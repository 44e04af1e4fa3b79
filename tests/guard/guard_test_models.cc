#include "guard_test_models.h"

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <utility>

#include "support/checkpoint_maker.h"

namespace gatehouse::guard_test {

// Several test programs run at once, and each maps the files: a directory comes whole or not at all, and is
// never written again.
std::string ModelDirectory(const std::string& name) {
  const std::string tokenizer = GATEHOUSE_SOURCE_DIR "/tests/golden/tokenizer/llama4.tokenizer.json.xz";
  const std::string to = GATEHOUSE_BUILD_DIR "/checkpoints/guard-" + name + "-" +
                         std::to_string(std::filesystem::file_size(tokenizer));
  if (std::filesystem::exists(to)) return to;
  const auto checkpoint = test::CachedCheckpoint(name);
  if (!checkpoint.ok()) throw std::runtime_error(checkpoint.error().Message());
  const std::string making = to + "." + std::to_string(::getpid());
  std::filesystem::create_directories(making);
  for (const auto& entry : std::filesystem::directory_iterator(*checkpoint))
    std::filesystem::create_symlink(entry.path(), std::filesystem::path(making) / entry.path().filename());
  const std::string command = "xz -dc '" + tokenizer + "' > '" + making + "/tokenizer.json'";
  if (std::system(command.c_str()) != 0) throw std::runtime_error("cannot decompress the tokenizer");
  std::error_code other_was_first;
  std::filesystem::rename(making, to, other_was_first);
  if (other_was_first) std::filesystem::remove_all(making);
  return to;
}

Guard LoadModel(const std::string& name) {
  auto loaded = Guard::Load({.model = ModelDirectory(name), .dtype = "f32", .threads = 2});
  if (!loaded.ok()) throw std::runtime_error(loaded.error().Message());
  return std::move(loaded).value();
}

}  // namespace gatehouse::guard_test

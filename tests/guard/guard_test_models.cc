#include "guard_test_models.h"

#include <cstdlib>
#include <filesystem>
#include <set>
#include <stdexcept>
#include <utility>

#include "support/checkpoint_maker.h"

namespace gatehouse::guard_test {

std::string ModelDirectory(const std::string& name) {
  const std::string to = GATEHOUSE_BUILD_DIR "/checkpoints/guard-" + name;
  static std::set<std::string> made;
  if (made.count(name) > 0) return to;
  const auto checkpoint = test::CachedCheckpoint(name);
  if (!checkpoint.ok()) throw std::runtime_error(checkpoint.error().Message());
  std::filesystem::create_directories(to);
  for (const auto& entry : std::filesystem::directory_iterator(*checkpoint)) {
    const std::filesystem::path link = std::filesystem::path(to) / entry.path().filename();
    std::filesystem::remove(link);
    std::filesystem::create_symlink(entry.path(), link);
  }
  const std::string command = "xz -dc '" GATEHOUSE_SOURCE_DIR
                              "/tests/golden/tokenizer/llama4.tokenizer.json.xz' > '" +
                              to + "/tokenizer.json'";
  if (std::system(command.c_str()) != 0) throw std::runtime_error("cannot decompress the tokenizer");
  made.insert(name);
  return to;
}

Guard LoadModel(const std::string& name) {
  auto loaded = Guard::Load({.model = ModelDirectory(name), .dtype = "f32", .threads = 2});
  if (!loaded.ok()) throw std::runtime_error(loaded.error().Message());
  return std::move(loaded).value();
}

}  // namespace gatehouse::guard_test

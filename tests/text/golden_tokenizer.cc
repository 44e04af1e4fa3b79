#include "golden_tokenizer.h"

#include <cstdio>
#include <map>
#include <stdexcept>

#include "formats/tokenizer_json.h"

namespace gatehouse::test {

std::string GoldenTokenizerJson(const std::string& name) {
  const std::string command =
      "xz -dc '" GATEHOUSE_SOURCE_DIR "/tests/golden/tokenizer/" + name + ".tokenizer.json.xz'";
  std::FILE* pipe = ::popen(command.c_str(), "r");
  if (pipe == nullptr) throw std::runtime_error("cannot run xz");
  std::string out;
  char buffer[1 << 16];
  while (const size_t size = std::fread(buffer, 1, sizeof buffer, pipe)) out.append(buffer, size);
  if (::pclose(pipe) != 0 || out.empty()) throw std::runtime_error("cannot decompress " + name);
  return out;
}

std::shared_ptr<const Tokenizer> GoldenTokenizer(const std::string& name) {
  static std::map<std::string, std::shared_ptr<const Tokenizer>> cache;
  auto& entry = cache[name];
  if (entry == nullptr) {
    auto data = ReadTokenizerJson(GoldenTokenizerJson(name), name);
    if (!data.ok()) throw std::runtime_error(data.error().Message());
    auto tokenizer = Tokenizer::Create(std::move(data).value());
    if (!tokenizer.ok()) throw std::runtime_error(tokenizer.error().Message());
    entry = tokenizer.value();
  }
  return entry;
}

}  // namespace gatehouse::test

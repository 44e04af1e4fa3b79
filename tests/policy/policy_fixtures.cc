#include "policy_fixtures.h"

#include <cstdio>
#include <fstream>
#include <iterator>
#include <vector>

#include "formats/tokenizer_json.h"

namespace gatehouse::test {
namespace {

Policy ReadPolicy(const std::string& path) {
  auto policy = ParsePolicy(ReadSourceFile(path), path);
  return policy.ok() ? std::move(policy).value() : Policy{};
}

std::shared_ptr<const Tokenizer> Unpack() {
  const std::string command =
      std::string("xz -dc '") + GATEHOUSE_SOURCE_DIR + "/tests/golden/tokenizer/llama4.tokenizer.json.xz'";
  FILE* pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) return nullptr;
  std::string json;
  std::vector<char> buffer(1 << 20);
  while (const size_t got = fread(buffer.data(), 1, buffer.size(), pipe)) json.append(buffer.data(), got);
  if (pclose(pipe) != 0) return nullptr;
  auto data = ReadTokenizerJson(json, "llama4");
  if (!data.ok()) return nullptr;
  auto tokenizer = Tokenizer::Create(std::move(data).value());
  return tokenizer.ok() ? std::move(tokenizer).value() : nullptr;
}

}  // namespace

std::string ReadSourceFile(const std::string& path) {
  std::ifstream file(std::string(GATEHOUSE_SOURCE_DIR) + "/" + path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

Policy LlamaGuard4Policy() { return ReadPolicy("models/policies/mlcommons-s14.json"); }
Policy StarterPolicy() { return ReadPolicy("models/starter/policy.json"); }

std::shared_ptr<const Tokenizer> Llama4Tokenizer() {
  static const std::shared_ptr<const Tokenizer> tokenizer = Unpack();
  return tokenizer;
}

}  // namespace gatehouse::test

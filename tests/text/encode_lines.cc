// A tool for scripts that compare tokenizers: encode_lines TOKENIZER [--time N FILE]
//   TOKENIZER: a tokenizer.json or a tokenizer.model.
//   Without --time: a text a line on standard input, its bytes in hexadecimal; ids a line on standard output.
//   With --time: encodes the lines of FILE one by one, N times, and prints the CPU seconds of each time;
//   after printing one it waits for a line on standard input, so that a script can alternate with another
//   program.
#include <ctime>
#include <fstream>
#include <iostream>
#include <sstream>
#include <string>
#include <vector>

#include "formats/tokenizer_json.h"
#include "formats/tokenizer_model.h"
#include "text/tokenizer.h"

namespace {

std::string ReadAll(const std::string& path) {
  std::stringstream bytes;
  bytes << std::ifstream(path, std::ios::binary).rdbuf();
  return bytes.str();
}

int TimeLines(const gatehouse::Tokenizer& tokenizer, int times, const std::string& path) {
  std::vector<std::string> lines;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  for (int time = 0; time < times; ++time) {
    std::string go;
    if (!std::getline(std::cin, go)) return 1;
    const std::clock_t start = std::clock();
    size_t tokens = 0;
    for (const std::string& line : lines) tokens += tokenizer.Encode(line).size();
    const double seconds = static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
    std::cout << seconds << " " << tokens << std::endl;
  }
  return 0;
}

int EncodeLines(const gatehouse::Tokenizer& tokenizer) {
  std::string text, out;
  for (std::string line; std::getline(std::cin, line);) {
    text.clear();
    for (size_t at = 0; at + 1 < line.size(); at += 2) {
      text.push_back(static_cast<char>(std::stoi(line.substr(at, 2), nullptr, 16)));
    }
    out.clear();
    for (const int32_t id : tokenizer.Encode(text)) out += std::to_string(id) + " ";
    std::cout << out << "\n";
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2 && argc != 5) {
    std::cerr << "usage: encode_lines TOKENIZER [--time N FILE]\n";
    return 2;
  }
  const std::string path = argv[1];
  const std::string bytes = ReadAll(path);
  auto data = path.ends_with(".json") ? gatehouse::ReadTokenizerJson(bytes, path)
                                      : gatehouse::ReadTokenizerModel(bytes, path);
  if (!data.ok()) {
    std::cerr << data.error().Message() << "\n";
    return 4;
  }
  auto tokenizer = gatehouse::Tokenizer::Create(std::move(data).value());
  if (!tokenizer.ok()) {
    std::cerr << tokenizer.error().Message() << "\n";
    return 4;
  }
  if (argc == 5) return TimeLines(*tokenizer.value(), std::stoi(argv[3]), argv[4]);
  return EncodeLines(*tokenizer.value());
}

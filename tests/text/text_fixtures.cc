#include "text_fixtures.h"

#include <gtest/gtest.h>
#include <unicode/uchar.h>

#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>

#include "formats/tokenizer_json.h"

namespace gatehouse {
namespace {

std::string ReadCommand(const std::string& command) {
  std::string out;
  FILE* pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) return out;
  std::vector<char> buffer(1 << 20);
  while (const size_t got = fread(buffer.data(), 1, buffer.size(), pipe)) out.append(buffer.data(), got);
  return pclose(pipe) == 0 ? out : "";
}

void AppendUtf8(uint32_t point, std::string* out) {
  const auto put = [out](uint32_t byte) { out->push_back(static_cast<char>(byte)); };
  if (point < 0x80) {
    put(point);
  } else if (point < 0x800) {
    put(0xC0 | point >> 6);
    put(0x80 | (point & 0x3F));
  } else if (point < 0x10000) {
    put(0xE0 | point >> 12);
    put(0x80 | (point >> 6 & 0x3F));
    put(0x80 | (point & 0x3F));
  } else {
    put(0xF0 | point >> 18);
    put(0x80 | (point >> 12 & 0x3F));
    put(0x80 | (point >> 6 & 0x3F));
    put(0x80 | (point & 0x3F));
  }
}

// PCRE2 of Debian knows Unicode 14, and counts U+180E as a space.
bool UsablePoint(uint32_t point) {
  if (point == 0x180E || (point >= 0xD800 && point <= 0xDFFF)) return false;
  UVersionInfo age;
  u_charAge(static_cast<UChar32>(point), age);
  return age[0] != 0 && age[0] <= 14;
}

}  // namespace

std::string GoldenTokenizerJson(const std::string& name) {
  const std::string packed =
      std::string(GATEHOUSE_SOURCE_DIR) + "/tests/golden/tokenizer/" + name + ".tokenizer.json.xz";
  const std::string json = ReadCommand("xz -dc '" + packed + "'");
  EXPECT_FALSE(json.empty()) << "cannot unpack " << packed;
  return json;
}

std::shared_ptr<const Tokenizer> LoadGoldenTokenizer(const std::string& name) {
  Result<TokenizerData> data = ReadTokenizerJson(GoldenTokenizerJson(name), name);
  if (!data.ok()) {
    ADD_FAILURE() << data.error().Message();
    return nullptr;
  }
  auto tokenizer = Tokenizer::Create(std::move(data).value());
  if (!tokenizer.ok()) {
    ADD_FAILURE() << tokenizer.error().Message();
    return nullptr;
  }
  return tokenizer.value();
}

std::vector<TokenRow> GoldenTokenRows() {
  std::vector<TokenRow> rows;
  std::ifstream file(std::string(GATEHOUSE_SOURCE_DIR) + "/tests/golden/tokens.jsonl");
  for (std::string line; std::getline(file, line);) {
    const auto row = nlohmann::json::parse(line);
    rows.push_back({row["tokenizer"], row["text"], row["ids"].get<std::vector<int32_t>>()});
  }
  return rows;
}

TokenizerData SmallTokenizer(const std::vector<std::string>& more) {
  TokenizerData data;
  for (int byte = 0; byte < 256; ++byte) data.tokens.emplace_back(1, static_cast<char>(byte));
  data.tokens.insert(data.tokens.end(), more.begin(), more.end());
  const auto size = static_cast<int32_t>(data.tokens.size());
  data.controls = {{"<|a|>", size}, {"<|b|>", size + 1}};
  data.vocab_size = size + 2;
  return data;
}

std::string RandomText(std::mt19937_64* random, int code_points) {
  static const std::vector<std::string> kPieces = {"'s",
                                                   "'S",
                                                   "'\u017F",
                                                   "'t",
                                                   "'T",
                                                   "'re",
                                                   "'RE",
                                                   "'rE",
                                                   "'ve",
                                                   "'m",
                                                   "'ll",
                                                   "'lL",
                                                   "'d",
                                                   "'",
                                                   "''",
                                                   "'l",
                                                   "'r",
                                                   "\r\n",
                                                   "\n",
                                                   "\n\n",
                                                   "\r",
                                                   " ",
                                                   "  ",
                                                   "   ",
                                                   "\t",
                                                   "\u00A0",
                                                   "\u3000",
                                                   "\u0085",
                                                   "\u2028",
                                                   "\u200B",
                                                   "\u00AD",
                                                   "/",
                                                   "//",
                                                   "!",
                                                   "...",
                                                   "-",
                                                   "_",
                                                   "\u0301",
                                                   "\u0300\u0323",
                                                   "\u0903",
                                                   "\u20DD",
                                                   "\u01C5",
                                                   "\u02B0",
                                                   "\u00AA",
                                                   "1",
                                                   "12",
                                                   "1234",
                                                   "\u00B2",
                                                   "\u2167",
                                                   "\u0663",
                                                   "a",
                                                   "A",
                                                   "the",
                                                   "The",
                                                   "THE",
                                                   "\u00DF",
                                                   "\u0130",
                                                   "\u212A",
                                                   "\u4E2D\u6587",
                                                   "\u0E01\u0E33",
                                                   "\U0001F600",
                                                   "\U0001F468\u200D\U0001F469",
                                                   "<|eot|>",
                                                   "\u0414\u0430"};
  const auto pick = [random](size_t size) { return static_cast<size_t>((*random)() % size); };
  std::string text;
  for (int made = 0; made < code_points; ++made) {
    switch (pick(8)) {
      case 0:
        text.push_back(static_cast<char>(pick(128)));
        break;
      case 1:
        text.push_back(static_cast<char>('a' + pick(26) - (pick(2) == 0 ? 32 : 0)));
        break;
      case 2:
      case 3: {
        const uint32_t end = pick(4) == 0 ? 0x110000 : pick(2) == 0 ? 0x3100 : 0x600;
        const auto point = static_cast<uint32_t>(pick(end));
        if (UsablePoint(point)) AppendUtf8(point, &text);
        break;
      }
      default:
        text += kPieces[pick(kPieces.size())];
    }
  }
  return text;
}

std::string RandomBytes(std::mt19937_64* random, int size) {
  static const std::vector<std::string> kPieces = {
      "\xE2\x82", "\xF0\x9F", "\xF0\x9F\x98", "\xC2",     "\xED\xA0\x80",
      "\xF4\x90", "\xE0\x80", "\xC0\x80",     "\x80\x80", "ok \xE2\x82\xAC"};
  std::string bytes;
  while (bytes.size() < static_cast<size_t>(size)) {
    const auto roll = (*random)();
    if (roll % 3 == 0) {
      bytes += kPieces[(roll >> 8) % kPieces.size()];
    } else {
      bytes.push_back(static_cast<char>(roll >> 8));
    }
  }
  return bytes;
}

}  // namespace gatehouse

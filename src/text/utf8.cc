#include "text/utf8.h"

#include <cstring>

namespace gatehouse {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD

}  // namespace

Utf8Sequence ReadUtf8Sequence(std::string_view text) {
  const auto byte = [text](size_t index) { return static_cast<unsigned char>(text[index]); };
  const unsigned char first = byte(0);
  if (first < 0x80) return {1, true};
  if (first < 0xC2 || first > 0xF4) return {1, false};
  const size_t length = first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
  // The second byte excludes overlong forms, surrogates, and what lies above U+10FFFF.
  const unsigned char low = first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80;
  const unsigned char high = first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : 0xBF;
  if (text.size() < 2 || byte(1) < low || byte(1) > high) return {1, false};
  for (size_t index = 2; index < length; ++index) {
    if (index >= text.size() || (byte(index) & 0xC0) != 0x80) return {index, false};
  }
  return {length, true};
}

void AppendUtf8(uint32_t code, std::string* out) {
  const auto add = [out](uint32_t byte) { out->push_back(static_cast<char>(byte)); };
  if (code < 0x80) return add(code);
  if (code < 0x800) {
    add(0xC0 | code >> 6);
  } else {
    if (code < 0x10000) {
      add(0xE0 | code >> 12);
    } else {
      add(0xF0 | code >> 18);
      add(0x80 | (code >> 12 & 0x3F));
    }
    add(0x80 | (code >> 6 & 0x3F));
  }
  add(0x80 | (code & 0x3F));
}

size_t ValidUtf8Prefix(std::string_view text) {
  constexpr uint64_t kHighBits = 0x8080808080808080u;
  size_t at = 0;
  while (at < text.size()) {
    uint64_t word = 0;
    if (at + sizeof word <= text.size()) {
      std::memcpy(&word, text.data() + at, sizeof word);
      if ((word & kHighBits) == 0) {
        at += sizeof word;
        continue;
      }
    }
    const Utf8Sequence sequence = ReadUtf8Sequence(text.substr(at));
    if (!sequence.valid) break;
    at += sequence.length;
  }
  return at;
}

std::string_view RepairUtf8(std::string_view text, std::string* storage) {
  size_t valid = ValidUtf8Prefix(text);
  if (valid == text.size()) return text;
  storage->clear();
  while (true) {
    storage->append(text.substr(0, valid));
    text.remove_prefix(valid);
    if (text.empty()) return *storage;
    text.remove_prefix(ReadUtf8Sequence(text).length);
    storage->append(kReplacement);
    valid = ValidUtf8Prefix(text);
  }
}

}  // namespace gatehouse

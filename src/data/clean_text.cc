#include "data/clean_text.h"

#include "text/utf8.h"

namespace gatehouse {

std::string CleanText(std::string_view text, size_t max_bytes) {
  std::string out;
  for (size_t at = 0; at < text.size();) {
    const Utf8Sequence sequence = ReadUtf8Sequence(text.substr(at));
    const size_t length = sequence.valid ? sequence.length : 1;
    if (out.size() + length > max_bytes) return out + "...";
    const auto first = static_cast<unsigned char>(text[at]);
    if (!sequence.valid || first < 0x20 || first == 0x7F) {
      out += '?';
    } else {
      out += text.substr(at, length);
    }
    at += length;
  }
  return out;
}

}  // namespace gatehouse

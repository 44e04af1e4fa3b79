#include "base/base64.h"

#include <gtest/gtest.h>

namespace gatehouse {
namespace {

std::string Encoded(std::string_view bytes) { return EncodeBase64(std::as_bytes(std::span(bytes))); }

std::string_view WithoutPadding(std::string_view letters) { return letters.substr(0, letters.find('=')); }

// The vectors of RFC 4648, section 10.
TEST(Base64, KnownAnswers) {
  const std::pair<const char*, const char*> vectors[] = {{"", ""},
                                                         {"f", "Zg=="},
                                                         {"fo", "Zm8="},
                                                         {"foo", "Zm9v"},
                                                         {"foob", "Zm9vYg=="},
                                                         {"fooba", "Zm9vYmE="},
                                                         {"foobar", "Zm9vYmFy"},
                                                         {"\xfb\xff\xbf", "+/+/"}};
  for (const auto& [bytes, letters] : vectors) {
    EXPECT_EQ(Encoded(bytes), letters);
    EXPECT_EQ(DecodeBase64Letters(WithoutPadding(letters)), bytes);
  }
}

// At no place may another character stand: not the padding, blanks and line ends that OpenSSL passes over,
// not the alphabet for URLs, not '-', at which OpenSSL stops.
TEST(Base64, LettersOnly) {
  const std::string letters = "Zm9vYmFyZm9vYmFy";
  ASSERT_TRUE(DecodeBase64Letters(letters));
  for (size_t at = 0; at <= letters.size(); ++at) {
    for (int value = 0; value < 256; ++value) {
      const char c = static_cast<char>(value);
      const bool letter = std::isalnum(value) != 0 || c == '+' || c == '/';
      if (at < letters.size()) {
        std::string changed = letters;
        changed[at] = c;
        EXPECT_EQ(DecodeBase64Letters(changed).has_value(), letter) << at << " " << value;
      }
      // One more makes a length that no bytes have, three more make a whole group again.
      const std::string more = letters.substr(0, at) + c + letters.substr(at);
      EXPECT_FALSE(DecodeBase64Letters(more)) << at << " " << value;
      EXPECT_EQ(DecodeBase64Letters(more + "AAA").has_value(), letter) << at << " " << value;
    }
  }
}

TEST(Base64, EveryTail) {
  const std::string alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (size_t value = 0; value < 64; ++value) {
    // Two letters are a byte and four bits, three are two bytes and two bits: these must be zero.
    using Bytes = std::optional<std::string>;
    const Bytes one = std::string(1, static_cast<char>(4 + value / 16));
    EXPECT_EQ(DecodeBase64Letters(std::string("B") + alphabet[value]), value % 16 == 0 ? one : Bytes())
        << value;
    const Bytes two = std::string("\0", 1) + static_cast<char>(16 + value / 4);
    EXPECT_EQ(DecodeBase64Letters(std::string("AB") + alphabet[value]), value % 4 == 0 ? two : Bytes())
        << value;
    EXPECT_FALSE(DecodeBase64Letters(std::string(1, alphabet[value])));
  }
}

// Longer than the pieces that OpenSSL is given.
TEST(Base64, ManyPieces) {
  std::string bytes(size_t{7} << 20, '\0');
  for (size_t at = 0; at < bytes.size(); ++at) bytes[at] = static_cast<char>(at * 2654435761u >> 13);
  for (const size_t size : {size_t{3} << 20, (size_t{3} << 20) + 1, size_t{6} << 20, bytes.size()}) {
    const std::string_view some = std::string_view(bytes).substr(0, size);
    const std::string letters = Encoded(some);
    EXPECT_EQ(letters.size(), (size + 2) / 3 * 4);
    const auto back = DecodeBase64Letters(WithoutPadding(letters));
    ASSERT_TRUE(back);
    EXPECT_TRUE(*back == some) << size;
  }
}

}  // namespace
}  // namespace gatehouse
